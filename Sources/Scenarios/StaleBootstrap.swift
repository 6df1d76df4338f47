import GuestShell
import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// An image starts k3s with a token of its own at every boot: what that leaves keeps a node out, until it is taken over.
    public static let staleBootstrap = Scenario(
        "stale-bootstrap",
        intent:
            "The image starts k3s at every boot, with a baked token. What that leaves is there: the unit, a database, certificates, a token. A server that joins over "
            + "it fails with FM-2; taken over first, it joins.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 2...2, usual: ClusterSize(servers: 2, agents: 0)),
        image: "k3s-standin", tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(2400))]
    ) {
        let cluster = K3sCluster()
        Phase.boot
        Phase.network
        Phase.reachability
        cluster.identify
        Phase("what the boot started") { lab in
            let cluster = cluster.on(lab)
            let found = try await cluster.waitForStaleData(on: cluster.primary)
            // The other one has booted before it had an address; an image with a network of its own finds one.
            let other = cluster.servers[1]
            try await cluster.bootStale(other)
            return "\(found); \(try await cluster.waitForStaleData(on: other))"
        }
        Phase("take control of the first") { lab in
            let cluster = cluster.on(lab)
            return try await cluster.takeControl(of: cluster.primary)
        }
        cluster.prepare
        cluster.firstServer
        Phase("join over what is there") { lab in
            let cluster = cluster.on(lab)
            return try await cluster.join(cluster.servers[1])
        }.expectedToFail(matching: "FM-2", because: "the database of the boot has another token")
        Phase("take control of the other") { lab in
            let cluster = cluster.on(lab)
            return try await cluster.takeControl(of: cluster.servers[1])
        }
        cluster.joins
        cluster.checks
        cluster.aftermath
    }
}

extension LabCluster {
    /// Lets a node's image start its k3s in a boot that finds the network, at the node's address and not at the loopback interface's.
    fileprivate func bootStale(_ node: Node) async throws {
        let (dialect, address) = (try await dialect(of: node), try address(of: node).first)
        try await node.succeed(
            """
            systemctl stop \(dialect.server.unit)
            rm -rf \(dialect.dataFolder)/server
            sed -i 's/--node-ip=127[0-9.]*/--node-ip=\(address)/' \(dialect.server.environmentFile)
            sync
            """)
        try await node.reboot()
        try await node.waitForNetwork()
    }
}
