import K3sCluster
import Phases
public import VMLab

extension Scenario {
    /// What all other cluster scenarios begin with: a cluster of k3s is formed on a network, and is what it should be.
    public static let clusterFormation = Scenario(
        "cluster-formation",
        intent:
            "A cluster of k3s (--topology, 2+1 by default) is formed on --profile: what a boot started is taken over, the first server makes the cluster, the others join, "
            + "and nodes, pods, etcd and certificates are as they should be. On a profile that keeps the nodes apart nobody joins, and because of the network.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(usual: ClusterSize(servers: 2, agents: 1)), image: "k3s-standin",
        tags: ["cluster", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(1200))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        cluster.logs
    }
}
