import Foundation
import Glibc
import LabEvents
import Reporting
import Testing

@Suite("Faults in a run", .tier(.cluster), .serialized)
struct FaultTests {
    // MARK: Processes of the lab

    @Test(
        "A killed QEMU fails the run at once, which names the node", .timeLimit(.minutes(20)),
        arguments: [Moment.starting, .booting, .running])
    func machine(_ moment: Moment) async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            if moment == .running { try await run.wait(for: .running) }
            let machine: Int32
            if moment == .starting {
                // As soon as it is there, before anybody has talked to it.
                machine = try await Poll.until("a QEMU of node b", every: .microseconds(200)) {
                    HostProcess.all().first { $0.words.first?.hasSuffix("qemu-system-x86_64") == true && $0.names("\(run.sockets)/n1") }?
                        .pid
                }
            } else {
                machine = try await run.process("qemu", "b")
            }
            let begin = ContinuousClock.now
            kill(machine, SIGKILL)
            try await run.settle(since: begin, limit: .seconds(5), [viewer], case: "QEMU SIGKILL \(moment)")
            #expect(viewer.end == .exited(1))
            let words = moment == .starting ? "QEMU ended before the guest b was ready" : "b is gone"
            #expect(viewer.stderr.contains(words) && viewer.stderr.contains("signal 9"), "\(viewer.stderr)")
            try run.expectEvidence(moment == .running ? .running : .booting, outcome: .failed)
        }
    }

    @Test("A killed switch is the host's fault", .timeLimit(.minutes(20)))
    func switchProcess() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .running)
            let lan = try await run.process("switch", "lan")
            let begin = ContinuousClock.now
            kill(lan, SIGKILL)
            try await run.settle(since: begin, limit: .seconds(5), [viewer], case: "switch SIGKILL")
            #expect(viewer.end == .exited(3))
            #expect(viewer.stderr.contains("env: switch-died") && viewer.stderr.contains("lan"), "\(viewer.stderr)")
            try run.expectEvidence(.running, outcome: .notRun)
        }
    }

    @Test("A killed watchdog is replaced, and the run passes", .timeLimit(.minutes(20)))
    func watchdog() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .booting)
            kill(try await run.process("watchdog", "watchdog"), SIGKILL)
            #expect(try await viewer.wait() == .exited(0), "\(viewer.stderr)")
            try await run.settle(since: .now, limit: .seconds(5), [viewer], case: "end of a run with a second watchdog")
            #expect(viewer.stderr.contains("another one was started"), "\(viewer.stderr)")
            #expect(
                run.events().contains { event in
                    if case .message(let message) = event.kind {
                        event.severity == .warning && message.text.contains("watchdog")
                    } else {
                        false
                    }
                })
            try run.expectEvidence(.running, outcome: .passed)
        }
    }

    @Test("The second watchdog does what the first would have done", .timeLimit(.minutes(20)))
    func secondWatchdog() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .booting)
            let first = try await run.process("watchdog", "watchdog")
            kill(first, SIGKILL)
            _ = try await run.process("watchdog", "watchdog", besides: first)
            try await run.wait(for: .running)
            let begin = ContinuousClock.now
            kill(try await run.owner(), SIGKILL)
            try await run.settle(since: begin, limit: .seconds(5), [viewer], case: "owner SIGKILL with a second watchdog")
            #expect(viewer.end == .exited(1))
            try run.expectEvidence(.running, outcome: .ownerLost)
        }
    }

    @Test("A lab whose owner hangs ends in time all the same", .timeLimit(.minutes(20)))
    func hungOwner() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .running)
            kill(try await run.owner(), SIGSTOP)
            let begin = ContinuousClock.now
            viewer.send(SIGTERM)
            try await run.settle(since: begin, limit: .seconds(7), [viewer], case: "viewer SIGTERM with a hung owner")
            #expect(viewer.end == .exited(143))
            try run.expectEvidence(.running, outcome: .interrupted)
        }
    }

    // MARK: Guests

    @Test("A guest's panic fails the run, which shows its words", .timeLimit(.minutes(20)))
    func panic() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .running)
            let begin = ContinuousClock.now
            let command = try world.vmlab("execute", run.identifier, "b", "--", "echo c >/proc/sysrq-trigger")
            try await run.settle(since: begin, limit: .seconds(7), [viewer, command], case: "guest panic")
            #expect(viewer.end == .exited(1))
            #expect(
                viewer.stderr.contains("b: the guest's kernel panicked") && viewer.stderr.contains("Kernel panic - not syncing: sysrq"),
                "\(viewer.stderr)")
            // Whoever gave the command hears of it too.
            #expect(command.end == .exited(1) && command.stderr.contains("panic"), "\(command.stderr)")
            try run.expectEvidence(.running, outcome: .failed)
        }
    }

    // MARK: A full disk

    /// A file system for the run directory and when it is full.
    struct Disk: Sendable, CustomTestStringConvertible {
        let size: String
        /// Shell commands that fill it in the folder $1: before the run, and beside it.
        var before = ":"
        var beside = ":"
        let testDescription: String
    }

    private static let disks = [
        Disk(size: "4k", before: "head -c 4096 /dev/zero >$1/filler", testDescription: "full before everything"),
        Disk(size: "4k", testDescription: "full at the first event"),
        Disk(size: "64k", testDescription: "too small for the plan"),
        Disk(
            size: "450m",
            beside: "until grep -qs '\"state\":\"booting\"' $1/runs/latest/events.jsonl; do sleep 0.02; done; cat /dev/zero >$1/filler",
            testDescription: "full while booting"),
    ]

    @Test(
        "A full disk is the host's fault", .timeLimit(.minutes(20)),
        .enabled("a file system of the test's own needs root") { getuid() == 0 },
        arguments: disks)
    func fullDisk(_ disk: Disk) async throws {
        try await World.with { world in
            // In a mount namespace of its own, which goes with its last process; what is to be seen of it is copied out.
            let script = """
                set -- "$0"/state "$1"
                mount -t tmpfs -o size=\(disk.size),mode=700 vmlab-test $1 || exit 99
                \(disk.before)
                (\(disk.beside)) 2>/dev/null & filling=$!
                "$2" run two-nodes; code=$?
                kill $filling 2>/dev/null; wait; rm -f $1/filler; cp -a $1/. $1-kept; exit $code
                """
            let viewer = try world.start(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, world.folder, World.vmlab])
            #expect(try await viewer.wait() == .exited(3), "\(viewer.stderr)")
            #expect(viewer.stderr.contains("env: disk-full"), "\(viewer.stderr)")
            #expect(viewer.stderr.contains("another disk"), "what to do is missing: \(viewer.stderr)")
            _ = try? await Poll.until("nothing is left", .seconds(7), every: .milliseconds(10)) { world.leftovers().isEmpty ? true : nil }
            #expect(world.leftovers() == [])
        }
    }
}

extension World {
    /// What labs of this world have left anywhere.
    fileprivate func leftovers() -> [String] {
        let sockets = ((try? FileManager.default.contentsOfDirectory(atPath: runtime)) ?? []).filter { $0 != "memory.lock" }
        let shared = ((try? FileManager.default.contentsOfDirectory(atPath: "/dev/shm")) ?? []).filter { name in
            sockets.contains { name.contains($0) } || runs(in: folder + "/state-kept/runs").contains { name.contains($0) }
        }
        return processes().map(\.description) + sockets + shared
    }
}
