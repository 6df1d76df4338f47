import Foundation
import Testing

/// What goes wrong with clusters of k3s, and what prevents it, on real guests.
@Suite("Causes and cures", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct CausesAndCuresTests {
    @Test("FM-2, a unit that is never ready, a wrong token, FM-4 and FM-1: each without its cure and with it")
    func pairs() async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "causes-and-cures"])
            try #require(outcome.code == 0, "\(outcome.stdout)\n\(outcome.stderr)")
            var verdicts: [String: String] = [:]
            for event in try command.events(outcome.run) where event["type"] as? String == "phase" {
                if let phase = event["phase"] as? String, let verdict = event["verdict"] as? String { verdicts[phase] = verdict }
            }
            let causes = [
                "stale data (FM-2)/without take-control", "never ready/bounded, with its log",
                "wrong token",
                "poisoned neighbour (FM-4)/without the check",
                "standstill (FM-1)/with etcd's usual patience",
            ]
            for phase in causes { #expect(verdicts[phase] == "expectedFailure", "\(phase): \(verdicts)") }
            let cures = [
                "stale data (FM-2)/with take-control", "never ready/with one that does",
                "poisoned neighbour (FM-4)/with the check", "standstill (FM-1)/with more patience",
                "the cluster/nodes", "the cluster/etcd members",
            ]
            for phase in cures { #expect(verdicts[phase] == "passed", "\(phase): \(verdicts)") }
        }
    }
}
