import K3sCluster
import Phases
public import VMLab

extension Scenario {
    /// More servers are lost than the quorum can spare: nothing can be written until one is back.
    public static let quorumLoss = Scenario(
        "quorum-loss-and-recovery",
        intent:
            "Two of three servers lose their power. The third takes no writes, and says why: its etcd has no leader, and readiness fails because of etcd. "
            + "The power is back: the cluster recovers by itself, and what was written before is there.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 3...5, usual: ClusterSize(servers: 3, agents: 0)),
        image: "k3s-standin", tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(3000))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        Phase("quorum loss") { lab in
            let cluster = cluster.on(lab)
            let left = try cluster.primary
            try await cluster.write("before", as: "quorum-loss")
            let tolerated = EtcdQuorum(try await cluster.etcd().members).tolerated
            let lost = Array(cluster.servers.filter { $0.name != left.name }.prefix(tolerated + 1))
            let cuts = lost.map { Fault.node($0.name, .powerCut) }
            let seen = try await cluster.withFaults(cuts, losing: lost, removingQuorum: true) {
                let seen = try await cluster.waitForQuorumLoss(on: left)
                try await assertStays(cluster.refusesWrites(left), for: .seconds(30))
                return seen
            }
            let again = try await cluster.waitForRecovery()
            try await cluster.waitForData("before", as: "quorum-loss", asking: cluster.servers)
            try await cluster.waitForWrites("after", as: "quorum-loss", asking: left)
            return "\(left.name) without \(lost.map(\.name).joined(separator: ", ")): \(seen); \(again)"
        }
        cluster.aftermath
    }
}
