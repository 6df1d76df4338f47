import Foundation
import Testing

/// What goes wrong with clusters of k3s, and what prevents it, on real guests.
@Suite("Causes and cures", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct CausesAndCuresTests {
    @Test("FM-2, a unit that is never ready, a wrong token, FM-4 and, for soak, FM-1: each without its cure and with it")
    func pairs() async throws {
        try await CommandLine.with { command in
            // Half of the time goes to the standstill, in which guests wait for etcd to lose its patience.
            let isWhole = ProcessInfo.processInfo.environment["VMLAB_SOAK"] == "1"
            let limit = isWhole ? [] : ["--until", "poisoned neighbour (FM-4)"]
            let outcome = try await command.run(["run", "causes-and-cures"] + limit)
            try #require(outcome.code == 0, "\(outcome.stdout)\n\(outcome.stderr)")
            var verdicts: [String: String] = [:]
            for event in try command.events(outcome.run) where event["type"] as? String == "phase" {
                if let phase = event["phase"] as? String, let verdict = event["verdict"] as? String { verdicts[phase] = verdict }
            }
            let causes = [
                "stale data (FM-2)/without take-control", "never ready/bounded, with its log",
                "wrong token",
                "poisoned neighbour (FM-4)/without the check",
            ]
            let lastCause = ["standstill (FM-1)/with etcd's usual patience"]
            for phase in causes + (isWhole ? lastCause : []) {
                #expect(verdicts[phase] == "expectedFailure", "\(phase): \(verdicts)")
            }
            let cures = [
                "stale data (FM-2)/with take-control", "never ready/with one that does",
                "poisoned neighbour (FM-4)/with the check",
            ]
            let last = ["standstill (FM-1)/with more patience", "the cluster/nodes", "the cluster/etcd members"]
            for phase in cures + (isWhole ? last : []) { #expect(verdicts[phase] == "passed", "\(phase): \(verdicts)") }
        }
    }
}
