import LabEvents
import NetworkProfiles
import Phases
public import VMLab

extension Scenario {
    /// What bonds are for: a leg or a whole switch fails, and nodes go on reaching each other.
    public static let bondFailover = Scenario(
        "bond-failover",
        intent:
            "Bonds of --profile: a leg is cut and plugged back, each switch is killed and restarted; the peer stays reachable, and the gaps are measured in pings.",
        network: .any(otherwise: "a", "b"), nodes: .any(2...4, usual: 2), cables: true, tags: ["network", "faults"]
    ) {
        Phase.boot
        Phase.network
        Phase.reachability
        Phase("LACP") { lab in
            guard !lab.aggregations.isEmpty else { throw Skip.byDesign("no bond speaks LACP") }
            var found: [String] = []
            for bonded in try lab.bondedNodes() { found.append(try await bonded.waitForLACP()) }
            return found.joined(separator: "; ")
        }.requires(.bonds)
        Phase("a leg fails") { lab in
            let bonded = try lab.bondedNode()
            // The leg that LACP's flows use is not known, so each is cut.
            let legs = bonded.bond.mode == .lacp ? bonded.bond.legs : [try await bonded.activeLeg()]
            var found: [String] = []
            for leg in legs { found.append(try await bonded.survives(.cut("\(bonded.node.name).\(leg)"), without: [leg])) }
            return found.joined(separator: "; ")
        }.requires(.bonds)
        Phase("a switch fails") { lab in
            let bonded = try lab.bondedNode()
            guard Set(bonded.legs.map(\.segment)).count > 1 else { throw Skip.byDesign("both legs of \(bonded.name) are on one switch") }
            var found: [String] = []
            for segment in lab.segments {
                let legs = bonded.legs.filter { $0.segment == segment.name }.map(\.name)
                found.append(try await bonded.survives(.switchCrash(segment: segment.name), without: legs))
            }
            return found.joined(separator: "; ")
        }.requires(.bonds, .severalSwitches)
        Phase("reachability afterwards") { lab in try await lab.checkReachability() }.requires(.bonds)
    }
}

extension Lab {
    /// The bonds of all nodes of the cluster.
    fileprivate func bondedNodes() throws -> [BondedNode] {
        try clusterNodes.flatMap { node in
            try (node.network?.links ?? []).compactMap { link in
                guard case .bond(let bond) = link.kind else { return nil }
                return BondedNode(lab: self, node: node, bond: bond, peer: try peer(of: node, over: bond))
            }
        }
    }

    /// The first node with a bond.
    fileprivate func bondedNode() throws -> BondedNode {
        guard let first = try bondedNodes().first else { throw Skip.byDesign("no node has a bond") }
        return first
    }

    /// A node that reaches another over its bond, and at which address.
    private func peer(of node: Node, over bond: NetworkProfile.Bond) throws -> BondedNode.Peer {
        let links = node.network?.links ?? []
        var over: Set<String> = [bond.name]
        // VLANs come behind what they are on.
        for case let link in links { if case .vlan(_, let parent) = link.kind, over.contains(parent) { over.insert(link.name) } }
        for pair in plan.network?.pairs ?? [] where pair.to == node.name && pair.isConnected && over.contains(pair.toInterface) {
            guard let address = links.first(where: { $0.name == pair.toInterface })?.addresses.first?.address else { continue }
            guard let other = clusterNodes.first(where: { $0.name == pair.from }) else { continue }
            return BondedNode.Peer(node: other, address: "\(address)")
        }
        throw Skip.byDesign("nobody should reach \(node.name) over \(bond.name)")
    }
}
