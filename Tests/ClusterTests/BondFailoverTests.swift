import Foundation
import Testing

/// Bonds of real guests under faults; the scenario itself checks states and gaps.
@Suite("Bond failover", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct BondFailoverTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var profile: String
        /// How many faults there are, each with a gap when it comes and one when it is healed.
        var faults: Int
        var leftOut: Set<String> = []
        var testDescription: String { profile }
    }

    @Test(
        "A leg is cut and plugged, each switch is killed and restarted: the peer stays reachable, and the gaps are reported",
        arguments: [
            Case(profile: "bonding-two-switches", faults: 3, leftOut: ["LACP"]),
            Case(profile: "bonding-vlans", faults: 1, leftOut: ["LACP", "a switch fails"]),
            Case(profile: "lacp-vlans", faults: 2, leftOut: ["a switch fails"]),
        ])
    func failover(_ example: Case) async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "bond-failover", "--profile", example.profile])
            #expect(outcome.code == 0, "\(outcome.stderr)")
            let phases = try command.events(outcome.run).filter { $0["type"] as? String == "phase" }
            let details = phases.filter { $0["state"] as? String == "passed" }.compactMap { $0["detail"] as? String }
            let gaps = details.filter { $0.contains("healed: ") }
            for gap in gaps { print("\(example.profile): \(gap)") }
            let skipped = phases.filter { $0["state"] as? String == "skipped" }.compactMap { $0["phase"] as? String }
            #expect(Set(skipped) == example.leftOut)
            let faults = try command.events(outcome.run).filter { $0["type"] as? String == "fault" }
            #expect(faults.count { $0["state"] as? String == "healed" } == example.faults)
            #expect(!gaps.isEmpty)
            if example.profile == "lacp-vlans" {
                #expect(details.contains { $0.contains("2 ports in aggregator") && $0.contains("port states 63 and 63") }, "\(details)")
            }
        }
    }
}
