import K3sCluster
import Phases
public import VMLab

extension Scenario {
    /// The leader is alone on its side of a partition: the others elect another one, and it takes no writes.
    public static let partition = Scenario(
        "partition",
        intent:
            "Etcd's leader is cut off from the other servers, without losing a carrier. The majority elects another leader and takes writes; the old leader takes none, for "
            + "want of a quorum. The partition heals: one leader, and all servers read the same.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 3...5, usual: ClusterSize(servers: 3, agents: 0)),
        image: "k3s-standin", cables: true, tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(2400))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        Phase("partition") { lab in
            let cluster = cluster.on(lab)
            let before = try await cluster.waitForEtcd()
            let alone = try await cluster.leader()
            let majority = lab.clusterNodes.filter { $0.name != alone.name }
            let servers = majority.filter(cluster.isServer)
            try await cluster.write("before", as: "partition")
            let split = Fault.partition([alone.name], majority.map(\.name))
            let seen = try await cluster.withFault(split, losing: [alone]) {
                let elected = try await cluster.waitForEtcd(without: [alone])
                try await cluster.waitForWrites("majority", as: "partition", asking: servers[0])
                let refused = try await cluster.waitForQuorumLoss(on: alone)
                return "majority: \(elected.text); \(alone.name): \(refused)"
            }
            let again = try await cluster.waitForRecovery()
            try await cluster.waitForData("majority", as: "partition", asking: cluster.servers)
            return "before: \(before.text); \(seen); \(again)"
        }
        cluster.aftermath
    }
}
