import LabEvents
import NetworkProfiles
import Testing
import VMLab

@testable import Scenarios

@Suite("Parts of scenarios", .tier(.unit)) struct ScenarioPartTests {
    @Test("A bundle's manifest is version, SHA-256 and size, and nothing else")
    func manifest() {
        let sum = String(repeating: "0a", count: 32)
        let bundle = SlottedNode.Bundle(path: "/data/b.tar", manifest: "2 \(sum) 1048576\n")
        #expect(bundle?.version == 2 && bundle?.sha256 == sum && bundle?.bytes == 1_048_576)
        for text in ["", "2 \(sum)", "x \(sum) 1", "2 \(sum.dropLast()) 1", "2 \(sum.dropLast())g 1", "2 \(sum) 0", "2 \(sum) 1 more"] {
            #expect(SlottedNode.Bundle(path: "/data/b.tar", manifest: text) == nil, "\(text)")
        }
    }

    @Test("Leases count for the node whose hardware address and address they have")
    func leases() throws {
        let reservations = try [("n1", "52:54:00:00:00:0a", "192.168.1.1/24"), ("n2", "52:54:00:00:00:0b", "192.168.1.2/24")].map {
            ServicePlan.Reservation(node: $0, mac: try #require(MACAddress($1)), address: try #require(IPPrefix($2)))
        }
        let text = """
            1795331645 52:54:00:00:00:0A 192.168.1.1 n1 *
            1795331646 52:54:00:00:00:0b 192.168.1.102 n2 *
            duid 00:01
            """
        #expect(LeaseTimes(text, of: reservations).ends == ["n1": 1_795_331_645])
    }

    @Test("Every built-in scenario says what it shows, has tags and its own name")
    func catalog() {
        let scenarios = ScenarioCatalog.builtIn.scenarios
        #expect(Set(scenarios.map(\.name)).count == scenarios.count)
        for scenario in scenarios {
            #expect(scenario.intent.hasSuffix(".") && !scenario.tags.isEmpty && !scenario.outline.isEmpty, "\(scenario.name)")
        }
    }
}
