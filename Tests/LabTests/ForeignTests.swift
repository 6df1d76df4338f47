import Foundation
import Glibc
import LabEvents
import Reporting
import Testing

/// What cleaning leaves alone: everything that no record of a dead lab names.
@Suite("Cleaning beside foreign processes", .tier(.cluster), .serialized)
struct ForeignTests {
    @Test("Sweeping takes a dead lab alone: a kept lab, a foreign QEMU and a foreign switch stay", .timeLimit(.minutes(20)))
    func sweeping() async throws {
        try await World.with { world in
            let foreign = try await Foreign(world)
            defer { foreign.end() }
            let kept = try await world.keptRun()
            let members = Set(kept.members())
            #expect(members.count >= 5, "the owner, its watchdog, the switch and two QEMUs: \(members)")

            // By the next run.
            let first = try await world.staleRun()
            let other = try world.vmlab("run", "two-nodes")
            let living = try await world.run(of: other)
            #expect(first.leftovers() == [])
            foreign.expectAlive()
            // By `down` of the dead one; and of one that lives beside them.
            let second = try await world.staleRun()
            let down = try await world.end(of: "down", second.identifier)
            #expect(down.end == .exited(0) && down.stderr.contains("its owner was gone"), "\(down.stderr)")
            #expect(second.leftovers() == [])
            #expect(try await world.end(of: "down", living.identifier).end == .exited(0))
            #expect(try await other.wait() == .exited(143))
            #expect(living.leftovers() == [])
            // By `down` of what is gone already.
            #expect(try await world.end(of: "down", first.identifier, second.identifier).end == .exited(0))

            foreign.expectAlive()
            #expect(Set(kept.members()) == members, "the kept lab has other processes")
            let answer = try await world.end(of: "execute", kept.identifier, "a", "--", "echo alive")
            #expect(answer.stdout == "alive\n", "\(answer.stderr)")
            #expect(try await world.end(of: "down", kept.identifier).end == .exited(0))
            #expect(kept.leftovers() == [])
            foreign.expectAlive()
        }
    }

    @Test("A record whose number belongs to another process by now ends nobody", .timeLimit(.minutes(20)))
    func reusedNumber() async throws {
        try await World.with { world in
            let foreign = try await Foreign(world)
            defer { foreign.end() }
            let stale = try await world.staleRun()
            // The numbers of the foreign processes, with the time at which some other process had started.
            for (index, program) in foreign.programs.enumerated() {
                try "\(program.pid) 12345\n".write(toFile: "\(stale.sockets)/processes/n\(7 + index)", atomically: true, encoding: .utf8)
            }
            // Records that no writer finished.
            for (name, text) in [
                ("n90", ""), ("n91", "\(foreign.programs[0].pid)"), ("n92", "-1 0\n"), ("n93", "1 0\n"), ("n94", "rubbish\n"),
            ] {
                try text.write(toFile: "\(stale.sockets)/processes/\(name)", atomically: true, encoding: .utf8)
            }
            #expect(try await world.end(of: "down", stale.identifier).end == .exited(0))
            #expect(stale.leftovers() == [])
            foreign.expectAlive()
        }
    }
}

/// A switch and a QEMU that have nothing to do with vmlab, beside its labs.
private struct Foreign {
    let programs: [Program]

    init(_ world: World) async throws {
        let folder = world.folder + "/foreign"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let environment = ["PATH": "/usr/bin:/bin"]
        // In the foreground it ends when its standard input does; that of a pipe which it has open for writing too never does.
        let script = "mkfifo $0/input && exec vde_switch -s $0/lan -M $0/management -f /dev/null <>$0/input"
        let lan = try Program(["/bin/sh", "-c", script, folder], environment: environment, log: folder + "/switch")
        let machine = try Program(
            [
                "/usr/bin/qemu-system-x86_64", "-S", "-display", "none", "-nodefaults", "-machine", "q35,accel=tcg", "-m", "64", "-serial",
                "none",
            ],
            environment: environment, log: folder + "/machine")
        programs = [lan, machine]
        do {
            try await Poll.until("the foreign switch runs") { access(folder + "/lan/ctl", F_OK) == 0 ? () : nil }
        } catch {
            end()
            throw error
        }
        expectAlive()
    }

    func end() {
        for program in programs {
            program.send(SIGKILL)
            var status: Int32 = 0
            if program.end == nil { waitpid(program.pid, &status, 0) }
        }
    }

    func expectAlive(sourceLocation: SourceLocation = #_sourceLocation) {
        for program in programs { #expect(program.end == nil, "\(program.words[0]): \(program.stderr)", sourceLocation: sourceLocation) }
    }
}

extension World {
    /// A run that was killed with everything that could clean up after it.
    fileprivate func staleRun() async throws -> LabRun {
        let viewer = try vmlab("run", "two-nodes")
        let run = try await run(of: viewer)
        _ = try await run.process("qemu", "a")
        let watchdog = try await run.process("watchdog", "watchdog")
        let owner = try await run.owner()
        // Stopped first: none of them may see the end of another before its own.
        for victim in [owner, watchdog] { kill(victim, SIGSTOP) }
        for victim in [viewer.pid, owner, watchdog] { kill(victim, SIGKILL) }
        #expect(try await viewer.wait() == .signalled(SIGKILL))
        try await Poll.until("the owner is gone") { run.isLocked ? nil : () }
        #expect(run.members().count >= 1, "nothing was left to sweep")
        return run
    }
}

extension LabRun {
    /// The processes of the run.
    fileprivate func members() -> [Int32] { HostProcess.all().filter { $0.names(identifier) }.map(\.pid).sorted() }
}
