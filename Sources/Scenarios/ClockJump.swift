import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// The clock of a server is wrong for a while, ahead and behind.
    public static let clockJump = Scenario(
        "clock-jump",
        intent:
            "A server's clock jumps two hours ahead: its leases are renewed in the future, its certificates are still valid, and it stays Ready. "
            + "It falls a day behind: the cluster's certificates are not valid yet for it. Set right, it is Ready as before.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 3...5, usual: ClusterSize(servers: 3, agents: 0)),
        image: "k3s-standin", tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(2400))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        Phase("two hours ahead") { lab in
            let cluster = cluster.on(lab)
            let (node, others) = (cluster.servers[cluster.servers.count - 1], try cluster.primary)
            let before = try await cluster.waitForEtcd()
            let seen = try await lab.withFault(.node(node.name, .clockJump(seconds: 7200))) {
                let lease = try await cluster.waitForLease(of: node, ahead: 7200)
                try await assertStays(cluster.isReady(node, asking: others), for: .seconds(20))
                return "\(lease); certificates \(try await cluster.checkCertificates())"
            }
            let after = try await cluster.waitForLease(of: node, ahead: 0)
            return "\(seen); set right: \(after); etcd before: \(before.text); after: \(try await cluster.waitForEtcd().text)"
        }
        Phase("a day behind") { lab in
            let cluster = cluster.on(lab)
            let (node, other) = (cluster.servers[cluster.servers.count - 1], try cluster.primary)
            let seen = try await lab.withFault(.node(node.name, .clockJump(seconds: -86_400))) {
                try await cluster.waitForPresence(of: other, from: node, isVerified: true, "has a certificate that is not valid yet") {
                    if case .untrusted(let why) = $0 { why.contains("not yet valid") } else { false }
                }
            }
            let trusted = try await cluster.waitForPresence(of: other, from: node, isVerified: true, "is trusted") { $0.isAnswering }
            return "behind: \(seen); set right: \(trusted); \(try await cluster.waitForRecovery())"
        }
        cluster.aftermath
    }
}
