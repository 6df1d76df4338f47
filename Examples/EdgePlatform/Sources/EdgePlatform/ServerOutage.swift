import K3sCluster
import Phases
import VMLab

/// A cluster that goes on without one of its servers.
let serverOutage = Scenario(
    "server-outage", intent: "Of three servers one loses its power. The others take writes, and it has them when it is back.",
    network: .any(otherwiseProfile: "bonding-vlans"), nodes: .cluster(servers: 3...5, usual: ClusterSize(servers: 3, agents: 0)),
    image: "k3s-standin", tags: ["cluster", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(2400))]
) {
    let cluster = K3sCluster()
    cluster.formation
    Phase("power cut") { lab in
        let cluster = cluster.on(lab)
        let lost = cluster.servers[2]
        try await cluster.withFault(.node(lost.name, .powerCut), losing: [lost]) {
            try await cluster.waitForEtcd(without: [lost])
            try await cluster.write("hello", as: "greeting")
            try await cluster.waitForLoss(of: lost)
        }
        try await cluster.waitForRecovery()
        try await cluster.waitForData("hello", as: "greeting", asking: cluster.servers)
    }
    cluster.aftermath
}
