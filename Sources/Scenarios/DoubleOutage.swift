import K3sCluster
import LabEvents
import NetworkProfiles
import Phases
public import VMLab

extension Scenario {
    /// Two servers fail in different ways: one of them brings the quorum back, and both are needed for all.
    public static let doubleOutage = Scenario(
        "double-outage",
        intent:
            "Of three servers one loses its power and another its cables: no quorum. The cables are plugged in: the quorum is back and writes go through, and one node is "
            + "still NotReady. The power is back too: all are Ready.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 3...3, usual: ClusterSize(servers: 3, agents: 0)),
        image: "k3s-standin", tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(3000))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        Phase("double outage") { lab in
            let cluster = cluster.on(lab)
            let (left, unplugged, dark) = (cluster.servers[0], cluster.servers[1], cluster.servers[2])
            try await cluster.write("before", as: "double-outage")
            let half = try await cluster.withFault(.node(dark.name, .powerCut), losing: [dark]) {
                try await cluster.waitForEtcd(without: [dark])
                let none = try await cluster.withFault(.cut(cards: unplugged.cards), losing: [unplugged], removingQuorum: true) {
                    try await cluster.waitForQuorumLoss(on: left)
                }
                // One of two is healed.
                let etcd = try await cluster.waitForEtcd(without: [dark], .clusterRecovery)
                try await cluster.waitForWrites("half", as: "double-outage", asking: left, .clusterRecovery)
                let lost = try await cluster.waitForLoss(of: dark, asking: left)
                return "both: \(left.name): \(none); plugged in: \(etcd.text), writes go through; \(lost)"
            }
            let again = try await cluster.waitForRecovery()
            try await cluster.waitForData("half", as: "double-outage", asking: cluster.servers)
            return "\(half); \(again)"
        }
        cluster.aftermath
    }
}

extension Node {
    /// Its network cards, as faults name them.
    fileprivate var cards: [String] { (network?.cards ?? []).map { "\(name).\($0.link.name)" } }
}
