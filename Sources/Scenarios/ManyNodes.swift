import GuestShell
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// Any number of nodes on one switch, or on the network of a profile: that all boot, and who reaches whom.
    public static let manyNodes = Scenario(
        "many-nodes",
        intent: "Any number of nodes (--nodes, 16 by default) on one switch or on --profile: all boot, and who should reach whom does.",
        nodes: .any(2...Topology.nodeLimit, usual: 16), tags: ["network"]
    ) {
        Phase.boot
        Phase("every node answers") { lab in
            try await lab.onAllNodes { node in
                let answer = try await node.run("echo $((6 * 7))").stdout.trimmed
                guard answer == "42" else { throw Problem(.failure, "\(node.name) answered '\(answer)'") }
            }
            return "\(lab.nodes.count) nodes"
        }
        Phase.network
        Phase.reachability
        Phase.addressesStay
    }
}

extension Phase {
    /// Every pair is tried again when the nodes that gave the addresses are off.
    static let addressesStay = Phase("addresses stay without their server") { lab in
        for node in lab.serviceNodes { try await node.shutdown() }
        for node in lab.clusterNodes { try await node.waitForNetwork() }
        return try await lab.checkReachability()
    }.requires(.dhcp)
}
