import LabEvents
import Scenarios
import Testing
import VMLab

/// The scenarios of clusters with faults, before anything runs.
@Suite("Scenarios of clusters with faults", .tier(.unit))
struct ClusterScenarioTests {
    private static let scenarios = ScenarioCatalog.builtIn.scenarios.filter { $0.tags.isSuperset(of: ["cluster", "faults"]) }

    @Test("There is one for each way in which a cluster is to break") func names() {
        #expect(
            Set(Self.scenarios.map(\.name)) == [
                "server-loss-and-rejoin", "quorum-loss-and-recovery", "partition", "double-outage", "stale-bootstrap", "clock-jump",
                "disk-full", "busy-api",
            ])
    }

    @Test("Each begins with a lab that reaches itself, and ends with a cluster that is whole or says why not, whatever happened")
    func outlines() {
        for scenario in Self.scenarios {
            let paths = scenario.outline.map(\.path)
            #expect(paths.prefix(3) == ["boot", "network", "reachability"], "\(scenario.name): \(paths)")
            #expect(paths.contains("checks") && paths.contains("join"), "\(scenario.name): \(paths)")
            #expect(scenario.outline.filter(\.isAlways).map(\.path) == ["Ready again", "logs"], "\(scenario.name): \(paths)")
            #expect(scenario.budgets.contains { $0.name == "scenario" } && scenario.tags.contains(Scenario.k3sTag), "\(scenario.name)")
        }
    }

    @Test("A cluster that could not spare a server is refused, where one is to be spared") func sizes() {
        for scenario in Self.scenarios where scenario.name != "stale-bootstrap" {
            let refused = #expect(throws: Problem.self, "\(scenario.name)") {
                try scenario.topology(.init(topology: ClusterSize(servers: 2, agents: 0)))
            }
            #expect(refused?.kind == .invalidInput)
        }
    }
}
