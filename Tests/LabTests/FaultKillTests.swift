import Foundation
import Glibc
import Testing

/// An owner that is killed while something is broken on purpose.
@Suite("Faults whose owner is killed", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct FaultKillTests {
    static let faults: [[String]] = [
        ["net", "cut", "RUN", "a.eth1"], ["net", "isolate", "RUN", "a"], ["net", "partition", "RUN", "a", "b"],
        ["net", "impair", "RUN", "a.eth1", "--loss", "50"], ["net", "fault", "flap", "RUN", "a.eth1", "--down", "0.1", "--up", "0.1"],
        ["net", "fault", "crash", "RUN", "lan"], ["net", "fault", "freeze", "RUN", "lan"],
        ["net", "fault", "vlan", "RUN", "a.eth1", "--untagged", "7"], ["net", "fault", "duplicate-address", "RUN", "a", "192.168.1.2"],
        ["net", "fault", "rogue-dhcp", "RUN", "lan"],
    ]

    @Test(
        "SIGKILL of the owner: nothing is left, the ledger says that the fault went with the lab, and the next lab is clean",
        arguments: faults.sampled(2))
    func killed(_ words: [String]) async throws {
        try await World.with { world in
            let first = try world.vmlab("run", "two-nodes", "--cables", "--keep", "--until", "network")
            let run = try await world.run(of: first)
            #expect(try await first.wait() == .exited(0), "\(first.stderr)")
            let inject = try world.start([World.vmlab] + words.map { $0 == "RUN" ? run.identifier : $0 })
            #expect(try await inject.wait() == .exited(0), "\(inject.stderr)")
            let begin = ContinuousClock.now
            kill(try await run.owner(), SIGKILL)
            try await run.settle(since: begin, limit: .seconds(5), case: "owner SIGKILL with \(words.dropFirst().filter { $0 != "RUN" })")
            let down = try await world.end(of: "down", run.identifier)
            #expect(down.end == .exited(0), "\(down.stderr)")
            let ledger = try String(contentsOfFile: run.path + "/network/faults.jsonl", encoding: .utf8)
            #expect(ledger.split(separator: "\n").last?.contains(#""state":"ended""#) == true, "\(ledger)")
            guard words.contains("freeze") || words.contains("crash") else { return }
            let next = try world.vmlab("run", "two-nodes", "--cables", "--until", "reachability")
            _ = try await world.run(of: next)
            #expect(try await next.wait() == .exited(0), "\(next.stderr)")
        }
    }

    private struct Lab: Sendable, CustomTestStringConvertible {
        var image: String
        /// The faults of nodes that are open at once: one kill shows all.
        var faults: [[String]]
        var testDescription: String { "\(image): \(faults.map { $0[0] }.joined(separator: ", "))" }
    }

    private static let labs = [
        Lab(
            image: "mini",
            faults: [
                ["starve", "a", "--share", "0.2"], ["memory", "a"], ["disk-full", "a", "--folder", "/data"],
                ["clock", "a", "--by", "-600"],
                ["kill", "a", "sleep", "--every", "0.2"], ["freeze", "b"],
            ]), Lab(image: "mini", faults: [["power-cut", "a"]]),
        Lab(
            image: "debian",
            faults: [
                ["unit-failure", "a", "systemd-networkd.service"], ["disk-full", "a"], ["slow-disk", "a", "--requests", "20"],
                ["disk-errors", "b"],
            ]),
    ]

    @Test(
        "SIGKILL of the owner with faults of nodes: no machine is left, stopped or not, and the ledger closes each",
        arguments: labs.sampled(3))
    private func killedWithNodes(_ lab: Lab) async throws {
        try await World.with { world in
            let first = try world.vmlab("run", "two-nodes", "--image", lab.image, "--keep", "--until", "network")
            let run = try await world.run(of: first)
            #expect(try await first.wait(.seconds(240)) == .exited(0), "\(first.stderr)")
            let sleeper = try world.vmlab(
                "execute", run.identifier, "a", "--", "(while :; do sleep 1000; done) </dev/null >/dev/null 2>&1 &")
            #expect(try await sleeper.wait() == .exited(0), "\(sleeper.stderr)")
            for words in lab.faults {
                let inject = try world.start([World.vmlab, "node", "fault", words[0], run.identifier] + words.dropFirst())
                #expect(try await inject.wait() == .exited(0), "\(inject.stderr)")
            }
            let begin = ContinuousClock.now
            kill(try await run.owner(), SIGKILL)
            try await run.settle(since: begin, limit: .seconds(5), case: "owner SIGKILL with \(lab)")
            let down = try await world.end(of: "down", run.identifier)
            #expect(down.end == .exited(0), "\(down.stderr)")
            let ledger = try String(contentsOfFile: run.path + "/network/faults.jsonl", encoding: .utf8)
            #expect(ledger.split(separator: "\n").count { $0.contains(#""state":"ended""#) } == lab.faults.count, "\(ledger)")
            // Only what was stopped could be in the next one's way.
            guard lab.faults.contains(where: { $0[0] == "starve" }) else { return }
            let next = try world.vmlab("run", "two-nodes", "--until", "network")
            _ = try await world.run(of: next)
            #expect(try await next.wait() == .exited(0), "\(next.stderr)")
        }
    }
}
