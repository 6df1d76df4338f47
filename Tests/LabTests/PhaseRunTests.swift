import Foundation
import Glibc
import LabEvents
import Reporting
import Testing

/// Debugging by phase, as a user does it with real guests.
@Suite("Runs by phase", .tier(.cluster), .serialized)
struct PhaseRunTests {
    /// The phases of two-nodes that a run has executed, with their verdicts.
    private static func executed(_ result: RunResult) -> [String] {
        result.phases.filter { $0.state != .skipped }.map { "\($0.phase): \($0.verdict?.rawValue ?? $0.state.rawValue)" }
    }

    @Test(
        "--until ends after a phase; on the kept lab another build runs from a phase on; junit.xml has the phases", .timeLimit(.minutes(20))
    )
    func until() async throws {
        try await World.with { world in
            let first = try world.vmlab("run", "two-nodes", "--until", "network", "--keep")
            let run = try await world.run(of: first)
            #expect(try await first.wait() == .exited(0), "\(first.stderr)")
            #expect(Self.executed(try run.result()) == ["boot: passed", "network: passed"])
            let xml = try String(contentsOfFile: run.path + "/junit.xml", encoding: .utf8)
            #expect(xml.contains(#"name="boot""#) && xml.contains(#"<skipped message="by design: it comes after 'network'"/>"#))
            #expect(xml.contains(#"<property name="run" value="\#(run.identifier)"/>"#))

            // On the lab as it is, by this build.
            let on = try await world.end(of: "run", "two-nodes", "--on", run.identifier, "--only", "TCP")
            #expect(on.end == .exited(0) && on.stdout == "passed\n" && on.stderr.contains("TCP a → b: passed"), "\(on.stderr)")
            let other = try await world.end(of: "run", "many-nodes", "--on", run.identifier, "--only", "boot")
            #expect(other.end == .exited(2) && other.stderr.contains("is of the scenario 'two-nodes'"), "\(other.stderr)")
            let next = try await world.end(of: "phase", "next", run.identifier, "--json")
            #expect(next.end == .exited(0) && next.stdout.hasSuffix(#"{"run":"\#(run.identifier)","verdict":"passed"}"# + "\n"))

            // Whoever goes takes the phase along, and leaves the lab.
            let leaver = try world.vmlab("phase", "run", run.identifier, "TCP", "--pause-before", "TCP")
            try await Poll.until("it waits") { leaver.stderr.contains("go on:  \(World.vmlab) phase continue") ? () : nil }
            leaver.send(SIGINT)
            #expect(try await leaver.wait() == .exited(130))
            try await Poll.until("the lab is kept again") {
                run.events().last { if case .lab = $0.kind { true } else { false } }?.kind == .lab(.init(state: .kept)) ? () : nil
            }

            // Another build takes the lab over and runs from a phase on, in one command.
            let rebuilt = world.folder + "/rebuilt"
            try FileManager.default.copyItem(atPath: World.vmlab, toPath: rebuilt)
            let file = try FileHandle(forWritingTo: URL(filePath: rebuilt))
            try file.seekToEnd()
            try file.write(contentsOf: Data([0]))
            try file.close()
            let foreign = try world.start([rebuilt, "run", "two-nodes", "--on", run.identifier, "--only", "TCP"])
            #expect(try await foreign.wait() == .exited(2))
            #expect(foreign.stderr.contains("vmlab takeover \(run.identifier) --from"), "\(foreign.stderr)")
            let typo = try world.start([rebuilt, "takeover", run.identifier, "--from", "reachabilty"])
            #expect(try await typo.wait() == .exited(2), "nothing changes hands for a phase that is not there")
            #expect(typo.stderr.contains("the phases are 'boot', 'network', 'reachability'") && !typo.stderr.contains("owned by"))
            let begin = ContinuousClock.now
            let taken = try world.start([rebuilt, "takeover", run.identifier, "--from", "network"])
            #expect(try await taken.wait() == .exited(0), "\(taken.stderr)")
            print("takeover --from network: \(begin.duration(to: .now))")
            #expect(taken.stderr.contains("boot: skipped (covered)") && taken.stderr.contains("20 MB: passed"), "\(taken.stderr)")
            #expect(taken.stdout == "passed\n")
            let list = try await world.end(of: "phase", "list", run.identifier, "--json")
            #expect(list.stdout.components(separatedBy: #""state" : "passed""#).count == 6, "what was done before is known: \(list.stdout)")
            // The run's own result is what it was.
            #expect(Self.executed(try run.result()) == ["boot: passed", "network: passed"])
            #expect(try await world.end(of: "down", run.identifier).end == .exited(0))
            #expect(run.leftovers() == [])
        }
    }

    @Test("--pause-before: attach, spoil, go on; --pause-on-failure: look, repair, run again, drop", .timeLimit(.minutes(20)))
    func pausing() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes", "--pause-before", "reachability", "--pause-on-failure", "--timeout", "120")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .paused)
            let hint = "attach: \(World.vmlab) shell \(run.identifier) a   # or b"
            try await Poll.until("the viewer says how to go on") { viewer.stderr.contains(hint) ? () : nil }
            let list = try await world.end(of: "phase", "list", run.identifier)
            #expect(list.stdout.contains("reachability") && list.stdout.contains("paused"), "\(list.stdout)")
            #expect(try await world.end(of: "execute", run.identifier, "b", "--", "echo here").stdout == "here\n")

            // One phase further; then a, which connects, is as good as without its cable: its kernel says so at once, and tries nothing for a minute.
            let next = try await world.end(of: "phase", "next", run.identifier)
            #expect(next.end == .exited(0) && next.stdout.hasSuffix("paused at 'TCP'\n"), "\(next.stdout) \(next.stderr)")
            #expect(try await world.end(of: "execute", run.identifier, "a", "--", "ip link set eth1 down").end == .exited(0))
            let failing = try await world.end(of: "phase", "continue", run.identifier)
            #expect(failing.end == .exited(0) && failing.stdout.hasSuffix("paused at 'TCP'\n"), "\(failing.stdout) \(failing.stderr)")
            #expect(failing.stderr.contains("TCP: failed"), "\(failing.stderr)")
            let again = try await world.end(of: "phase", "run", run.identifier, "TCP")
            #expect(again.end == .exited(1) && again.stdout == "failed\n" && again.stderr.contains("error: "), "\(again.stderr)")
            let repair = "ip link set eth1 up; while [ $(cat /sys/class/net/eth1/carrier) != 1 ]; do sleep 0.1; done"
            #expect(try await world.end(of: "execute", run.identifier, "a", "--", repair).end == .exited(0))
            let repaired = try await world.end(of: "phase", "run", run.identifier, "TCP", "--onward")
            #expect(repaired.end == .exited(0) && repaired.stderr.contains("20 MB: passed"), "\(repaired.stderr)")

            // What the run itself came to stays its failure.
            #expect(try await world.end(of: "down", run.identifier).end == .exited(0))
            #expect(try await viewer.wait() == .exited(1), "\(viewer.stderr)")
            #expect(run.leftovers() == [])
            let result = try run.result()
            #expect(result.outcome == .failed && result.phases.contains { $0.phase == "TCP" && $0.verdict == .failed && $0.problem != nil })
            let xml = try String(contentsOfFile: run.path + "/junit.xml", encoding: .utf8)
            #expect(xml.contains(#"failures="1""#) && xml.contains(#"<failure type="failed""#), "\(xml)")
        }
    }

    @Test("a paused run is taken over: it ends there, its lab stays, and the next build goes on", .timeLimit(.minutes(20)))
    func takeover() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes", "--pause-before", "reachability")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .paused)
            let taken = try await world.end(of: "takeover", run.identifier, "--only", "reachability")
            #expect(taken.end == .exited(0) && taken.stdout == "passed\n", "\(taken.stderr)")
            #expect(try await viewer.wait() == .exited(143))
            #expect(viewer.stderr.contains("kept: "), "\(viewer.stderr)")
            #expect(try run.result().outcome == .interrupted)
            #expect(try await world.end(of: "execute", run.identifier, "a", "--", "echo here").stdout == "here\n")
            #expect(try await world.end(of: "down", run.identifier).end == .exited(0))
            #expect(run.leftovers() == [])
        }
    }

    @Test("SIGINT while a run waits leaves nothing", .timeLimit(.minutes(20)))
    func interrupted() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes", "--pause-before", "network")
            let run = try await world.run(of: viewer)
            try await run.wait(for: .paused)
            let begin = ContinuousClock.now
            viewer.send(SIGINT)
            try await run.settle(since: begin, limit: .seconds(7), [viewer], case: "SIGINT while paused")
            #expect(viewer.end == .exited(130))
            try run.expectEvidence(.running, outcome: .interrupted)
        }
    }

    @Test("several runs: a failure does not stop the others, --fail-fast does; a pass after a failure is flaky", .timeLimit(.minutes(20)))
    func series() async throws {
        try await World.with { world in
            // The time is too short for the one and enough for the other.
            let both = try await world.end(
                of: "run", "many-nodes", "two-nodes", "--nodes", "2", "--until", "boot", "--timeout", "0.2")
            #expect(both.end == .exited(1), "\(both.stderr)")
            let rows = both.stdout.split(separator: "\n").filter { $0.hasPrefix("many-nodes ") || $0.hasPrefix("two-nodes ") }
            #expect(rows.count == 2 && rows.allSatisfy { $0.contains("failed") && $0.contains(world.state) }, "\(both.stdout)")
            let fast = try await world.end(
                of: "run", "--tag", "network", "--nodes", "2", "--until", "boot", "--timeout", "0.2", "--fail-fast")
            #expect(fast.end == .exited(1))
            #expect(fast.stdout.components(separatedBy: "\nrun ").count + (fast.stdout.hasPrefix("run ") ? 1 : 0) == 2, "\(fast.stdout)")
            let twice = try await world.end(of: "run", "two-nodes", "--until", "boot", "--repeat", "2")
            #expect(twice.end == .exited(0))
            #expect(
                twice.stdout.split(separator: "\n").count { $0.hasPrefix("two-nodes") && $0.contains("passed") } == 2, "\(twice.stdout)")

            // The first try loses a guest, the second does not.
            let flaky = try world.vmlab("run", "two-nodes", "--until", "boot", "--retries", "1")
            let run = try await world.run(of: flaky)
            kill(try await run.process("qemu", "b"), SIGKILL)
            #expect(try await flaky.wait() == .exited(0), "\(flaky.stderr)")
            let row = try #require(flaky.stdout.split(separator: "\n").last)
            #expect(row.contains("flaky") && row.contains(run.path), "\(flaky.stdout)")
            for other in world.runs() { #expect(LabRun(world: world, identifier: other).leftovers() == []) }
        }
    }

    struct Usage: Sendable, CustomTestStringConvertible {
        var words: [String]
        var says: String
        var testDescription: String { words.joined(separator: " ") }
    }

    @Test(
        "what makes no sense is refused before anything starts",
        arguments: [
            Usage(words: ["run", "two-nodes", "--until", "reach"], says: "the phases are 'boot', 'network'"),
            Usage(words: ["run", "two-nodes", "--from", "network"], says: "--from needs --on RUN"),
            Usage(words: ["run", "two-nodes", "--only", "boot", "--until", "network"], says: "--only excludes"),
            Usage(words: ["run", "two-nodes", "many-nodes", "--pause-before", "TCP"], says: "there is no phase 'TCP'"),
            Usage(words: ["run", "two-nodes", "--nodes", "3"], says: "--nodes 3 is not acceptable"),
            Usage(
                words: ["run", "--tag", "slow"],
                says: "the tags are benchmark, cluster, cures, faults, k3s, network, smoke, storage, update"),
            Usage(words: ["run"], says: "name a scenario"),
            Usage(words: ["run", "two-nodes", "--repeat", "0"], says: "once is the least"),
            Usage(words: ["run", "two-nodes", "--repeat", "2", "--detach"], says: "--detach is for one run"),
        ])
    func usage(_ usage: Usage) async throws {
        try await World.with { world in
            let program = try world.start([World.vmlab] + usage.words)
            #expect(try await program.wait() == .exited(2))
            #expect(program.stderr.contains(usage.says), "\(program.stderr)")
            #expect(world.runs() == [])
        }
    }

    @Test("the list of scenarios says what each shows, with its tags and phases")
    func list() async throws {
        try await World.with { world in
            let program = try await world.end(of: "run", "--list")
            #expect(program.stdout.contains("two-nodes [network, smoke]\n  Two nodes"))
            #expect(program.stdout.contains("\n  phases: boot, network, reachability, "))
        }
    }
}
