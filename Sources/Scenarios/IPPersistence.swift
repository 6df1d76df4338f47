import GuestShell
import LabEvents
import NetworkProfiles
import Phases
public import VMLab

extension Scenario {
    /// What a cluster takes for granted: a node keeps its addresses.
    public static let ipPersistence = Scenario(
        "ip-persistence",
        intent:
            "The addresses of all nodes stay as they are: for 60 s times the pace, over the loss of all carriers, and over a reboot with nobody's help.",
        network: .any(otherwiseProfile: "simple"), nodes: .any(2...4, usual: 2), image: "debian", tags: ["network", "faults"],
        budgets: [Budget("scenario", .seconds(1200)), Budget("network", .seconds(60))]
    ) {
        Phase.boot
        Phase.network
        Phase("addresses stay") { lab in
            // At least once a second and not every 10 s: what is lost for a moment breaks a cluster too.
            // By the pace at the start: what the host is busy with meanwhile makes it no longer.
            let length = Duration.seconds(60) * max(1, lab.plan.host.pace)
            try await lab.assertAddressesStay(for: length)
            return "\(Int(length.seconds)) s: \(try await lab.addressText())"
        }
        Phase("carrier loss") { lab in
            let before = try await lab.addressText()
            let cards = lab.clusterNodes.flatMap { node in (node.network?.cards ?? []).map { "\(node.name).\($0.link.name)" } }
            let during = try await lab.withFault(.cut(cards: cards)) { try await lab.addressText() }
            for node in lab.clusterNodes { try await node.waitForNetwork() }
            try await lab.assertAddressesStay(for: .seconds(10) * max(1, lab.plan.host.pace))
            return "\(try await lab.checkReachability()); without carrier: \(during == before ? "the same" : during)"
        }
        Phase("reboot") { lab in
            for node in lab.clusterNodes where try await !node.execute("systemctl is-active --quiet systemd-networkd").succeeded {
                throw Skip.missing("\(node.name) makes no network by itself when it boots: systemd-networkd does not run there")
            }
            for node in lab.clusterNodes {
                try await node.reboot()
                try await node.waitForNetwork()
            }
            try await lab.assertAddressesStay(for: .seconds(10) * max(1, lab.plan.host.pace))
            return "\(try await lab.checkReachability()); \(try await lab.addressText())"
        }
    }
}

extension Lab {
    /// Asserts that all nodes of the cluster go on to have their network as planned, addresses and carriers.
    fileprivate func assertAddressesStay(for length: Duration) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in clusterNodes {
                guard let network = node.network else { continue }
                let condition = Condition("\(node.name): its addresses are as planned", on: node) {
                    let differences = network.differences(from: try await node.observeNetwork())
                    return differences.isEmpty ? .yes() : .no(differences.joined(separator: "; "))
                }
                group.addTask { try await assertStays(condition, for: length) }
            }
            while try await group.next() != nil {}
        }
    }

    /// The addresses that the nodes have in the networks of the profile.
    fileprivate func addressText() async throws -> String {
        var words: [String] = []
        for node in clusterNodes {
            let seen = try await node.observeNetwork().links.filter { node.network?.link($0.key) != nil }.values.flatMap(\.addresses)
            words.append("\(node.name) \(seen.isEmpty ? "none" : seen.sorted().joined(separator: " "))")
        }
        return words.joined(separator: ", ")
    }
}
