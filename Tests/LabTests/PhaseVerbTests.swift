import Foundation
import Glibc
import LabEvents
import Testing

/// `vmlab phase`, as a script uses it.
@Suite("Verbs of phases", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct PhaseVerbTests {
    /// The last object that `--json` prints.
    private struct Report: Decodable {
        struct Problem: Decodable { var what: String }
        var run: String
        var verdict: String?
        var pausedAt: String?
        var problem: Problem?
    }

    @Test("list, run, next, continue: exit codes and JSON of what passes, fails, waits, and cannot be")
    func verbs() async throws {
        try await World.with { world in
            let first = try world.vmlab("run", "two-nodes", "--until", "boot", "--keep")
            let run = try await world.run(of: first)
            func report(_ words: String...) async throws -> (Program.End?, Report) {
                let program = try world.start([World.vmlab, "phase"] + [words[0], run.identifier] + words.dropFirst() + ["--json"])
                _ = try await program.wait()
                let lines = program.stdout.split(separator: "\n").map { Array($0.utf8) }
                let last = try #require(lines.last, "\(program.stderr)")
                #expect(lines.count > 1 && lines.dropLast().allSatisfy { (try? LabEvent.decode(jsonLine: $0)) != nil }, "\(program.stdout)")
                return (program.end, try JSONDecoder().decode(Report.self, from: Data(last)))
            }
            func refused(_ words: String..., code: Int32, says: String) async throws {
                let program = try world.start([World.vmlab, "phase"] + [words[0], run.identifier] + words.dropFirst())
                #expect(try await program.wait() == .exited(code), "\(words): \(program.stderr)")
                #expect(program.stderr.contains(says) && program.stdout.isEmpty, "\(words): \(program.stderr)")
            }

            try await run.wait(for: .booting)
            try await refused("run", "boot", code: 75, says: "error: phases cannot be run now")
            #expect(try await first.wait() == .exited(0), "\(first.stderr)")

            let list = try await world.end(of: "phase", "list", run.identifier)
            let rows = list.stdout.split(separator: "\n").map { $0.split(separator: " ") }
            #expect(list.end == .exited(0) && rows.contains { $0.starts(with: ["boot", "passed"]) }, "\(list.stdout)")
            #expect(rows.contains { $0.starts(with: [">", "network"]) }, "\(list.stdout)")
            try await refused("continue", code: 2, says: "error: the run is not paused")
            try await refused("run", "reachabilty", code: 2, says: "the phases are 'boot', 'network'")

            // What passes, what fails, and then what is next.
            let (end, passed) = try await report("next")
            #expect(end == .exited(0) && passed.verdict == "passed" && passed.run == run.identifier && passed.problem == nil)
            #expect(try await world.end(of: "succeed", run.identifier, "a", "--", "ip link set eth1 down").end == .exited(0))
            let (failedEnd, failed) = try await report("run", "TCP")
            #expect(failedEnd == .exited(1) && failed.verdict == "failed" && failed.problem?.what.isEmpty == false)
            let plain = try await world.end(of: "phase", "run", run.identifier, "TCP")
            #expect(plain.end == .exited(1) && plain.stderr.contains("error: \(failed.problem?.what ?? "?")"), "\(plain.stderr)")

            // Beside one that waits another may run; the lab then waits again.
            let waiter = try world.vmlab("phase", "run", run.identifier, "TCP", "--pause-before", "TCP")
            try await Poll.until("it waits") { waiter.stderr.contains("go on: ") ? () : nil }
            let beside = try await report("run", "network")
            #expect(beside.0 == .exited(0) && beside.1.verdict == "passed")
            let paused = try await world.end(of: "phase", "list", run.identifier, "--json")
            #expect(paused.stdout.contains(#""pausedAt" : "TCP""#), "\(paused.stdout)")
            #expect(run.lastState() == .paused)
            let repair = "ip link set eth1 up; while [ $(cat /sys/class/net/eth1/carrier) != 1 ]; do sleep 0.1; done"
            #expect(try await world.end(of: "succeed", run.identifier, "a", "--", repair).end == .exited(0))
            let (goneOn, went) = try await report("continue")
            #expect(goneOn == .exited(0) && went.verdict == "passed", "\(went)")
            #expect(try await waiter.wait() == .exited(0) && waiter.stdout.hasSuffix("passed\n"), "\(waiter.stderr)")

            // The phase after it has nothing to do on this network, and does not stand in the way.
            #expect(try await report("run", "reachability").1.verdict == "passed")
            let after = try await world.end(of: "phase", "next", run.identifier)
            #expect(after.end == .exited(0) && after.stdout == "passed\n", "\(after.stderr)")
            #expect(after.stderr.contains("skipped (by design)") && after.stderr.contains("TCP: passed"), "\(after.stderr)")
            #expect(try await report("next").1.verdict == "passed")
            try await refused("next", code: 2, says: "error: no phase is left")
            #expect(try await world.end(of: "down", run.identifier).end == .exited(0))
            try await refused("list", code: 1, says: "error: the lab of run \(run.identifier) is not there")
            #expect(run.leftovers() == [])
        }
    }
}
