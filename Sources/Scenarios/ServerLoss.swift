import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// A server of three loses its power: the others go on, and it comes back by itself.
    public static let serverLoss = Scenario(
        "server-loss-and-rejoin",
        intent:
            "A server of three loses its power. The other two have a quorum: their APIs answer and take writes, and the lost node becomes NotReady. "
            + "Its power is back: it joins again by itself, as the same member of etcd, and reads what was written meanwhile.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 3...5, usual: ClusterSize(servers: 3, agents: 0)),
        image: "k3s-standin", tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(2400))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        Phase("power cut") { lab in
            let cluster = cluster.on(lab)
            guard let lost = cluster.servers.last else { throw Skip.byDesign("there is no server to lose") }
            let others = cluster.servers.filter { $0.name != lost.name }
            let before = try await cluster.waitForEtcd()
            let without = try await cluster.withFault(.node(lost.name, .powerCut), losing: [lost]) {
                let etcd = try await cluster.waitForEtcd(without: [lost])
                for node in others {
                    try await cluster.waitForWrites("without \(lost.name)", as: "written-on-\(node.name)", asking: node)
                    try await cluster.waitForData("without \(lost.name)", as: "written-on-\(node.name)", asking: others)
                }
                return "\(etcd.text); writes go through; \(try await cluster.waitForLoss(of: lost))"
            }
            // Nobody starts anything on it: its boot does.
            let again = try await cluster.waitForRecovery()
            let changes = try await cluster.etcd().changes(since: before)
            guard changes.isEmpty else { throw Problem(.failure, "the members of etcd are others", why: changes.joined(separator: "; ")) }
            try await cluster.waitForData("without \(lost.name)", as: "written-on-\(others[0].name)", asking: [lost])
            return "before: \(before.text); without \(lost.name): \(without); \(again)"
        }
        cluster.aftermath
    }
}
