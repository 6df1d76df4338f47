import GuestShell
import LabEvents
import NetworkProfiles
public import VMLab

extension Scenario {
    /// Any number of nodes on one switch, or on the network of a profile: that all boot, and who reaches whom.
    public static let manyNodes = Scenario(
        name: "many-nodes",
        summary: "Any number of nodes (--nodes, 16 by default) on one switch or on --profile: all boot, and who should reach whom does.",
        topology: { wishes throws(Problem) in
            let count = wishes.nodes ?? 16
            guard (2...Topology.nodeLimit).contains(count) else {
                throw Problem(.invalidInput, "--nodes \(count) is not acceptable", why: "2 to \(Topology.nodeLimit) nodes fit")
            }
            let names = (1...count).map { "n\($0)" }
            return try wishes.topology(scenario: "many-nodes", count: count, own: .flat(nodes: names, network: try .ofScenario()))
        },
        body: { lab in
            let begin = ContinuousClock.now
            try await lab.step("boot") { try await lab.boot() }
            try await lab.step("every node answers") {
                try await lab.onAllNodes { node in
                    let name = try await node.run("echo $((6 * 7))").stdout.trimmed
                    guard name == "42" else { throw Problem(.failure, "\(node.name) answered '\(name)'") }
                }
                return "\(lab.nodes.count) nodes, the last \(begin.duration(to: .now).seconds.rounded(to: 1)) s after the start"
            }
            try await lab.proveNetwork()
        })
}

extension Lab {
    /// Steps that make the planned network, try every pair on it, and try again when the nodes that gave the addresses are off.
    func proveNetwork() async throws {
        try await step("network") { try await self.configureNetwork() }
        try await step("reachability") { try await self.checkReachability() }
        guard !serviceNodes.isEmpty else { return }
        try await step("addresses stay when \(serviceNodes.map(\.name).joined(separator: " and ")) is off") {
            for node in self.serviceNodes { try await node.shutdown() }
            for node in self.clusterNodes { try await node.waitForNetwork() }
            return try await self.checkReachability()
        }
    }
}

extension IPPrefix {
    /// The network of scenarios that bring their own.
    static func ofScenario() throws(Problem) -> IPPrefix {
        guard let prefix = IPPrefix("192.168.1.0/24") else { throw Problem(.failure, "192.168.1.0/24 is no network") }
        return prefix
    }
}
