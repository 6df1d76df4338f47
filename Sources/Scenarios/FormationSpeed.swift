import GuestShell
import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// What the order of the bring-up and its waits are worth.
    public static let formationSpeed = Scenario(
        "formation-speed",
        intent:
            "A cluster is formed twice on the same guests: as vmlab does it, and then node after node with each state asked for once a second, as test drivers do it. "
            + "The first is at least 1.5 times faster.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 1...5, usual: ClusterSize(servers: 2, agents: 1)),
        image: "k3s-standin", tags: ["cluster", Scenario.k3sTag, "benchmark"], budgets: [Budget("scenario", .seconds(1200))]
    ) {
        let cluster = K3sCluster()
        Phase.boot
        Phase.network
        Phase("k3s that the boot started") { lab in
            // It would go on to start beside what is measured.
            let unit = try await cluster.on(lab).dialect(of: cluster.on(lab).primary).server.unit
            let settled = "case $(systemctl is-active \(unit)) in activating) false ;; esac"
            try await eventually(on: lab.clusterNodes, .succeeds(settled), .seconds(180))
        }
        Phase("both ways") { lab in
            // vmlab's way comes first, so that it is the one that finds the guests' caches cold.
            let own = try await lab.timed("as vmlab does it") { try await cluster.on(lab).form() }
            try await cluster.on(lab).checkNodes()
            let usual = try await lab.timed("one by one") { try await lab.formOneByOne(cluster.on(lab)) }
            try await cluster.on(lab).checkNodes()
            let ratio = usual / own
            let text =
                "as vmlab does it \(own.rounded(to: 1)) s, one by one \(usual.rounded(to: 1)) s: \(ratio.rounded(to: 2)) times faster"
            guard ratio >= 1.5 else {
                throw Problem(.failure, "the formation is less than 1.5 times faster than node after node", why: text)
            }
            return text
        }
        cluster.logs
    }
}

extension Lab {
    /// Does something as a step.
    ///
    /// - Returns: how many seconds it took.
    fileprivate func timed<Result: Sendable>(_ name: String, _ body: () async throws -> Result) async throws -> Double {
        let begin = ContinuousClock.now
        _ = try await step(name, body)
        return begin.duration(to: .now).seconds
    }

    /// The procedure of test drivers: everything with one node after the other; units, files and nodes are asked for once a second.
    fileprivate func formOneByOne(_ cluster: LabCluster) async throws {
        let first = try cluster.primary
        let (unit, kubectl) = (try await cluster.dialect(of: first).server.unit, try await cluster.dialect(of: first).kubectl)
        for node in clusterNodes {
            _ = try await cluster.takeControl(of: node)
            _ = try await cluster.prepare(node)
        }
        try await cluster.start(first, token: .generated())
        for check in [
            "systemctl is-active -q \(unit)", "curl -skf -o /dev/null https://127.0.0.1:6443/cacerts", "test -s /etc/rancher/k3s/k3s.yaml",
            Self.isReady(first, kubectl), "\(kubectl) get --raw /readyz", "\(kubectl) get --raw /healthz/etcd",
        ] {
            try await poll(first, check)
        }
        var members = [first]
        for node in cluster.servers.dropFirst() + cluster.agents {
            let token = try await cluster.token()
            try await poll(node, "curl -skf -o /dev/null --max-time 15 \(cluster.address(of: first).url)/cacerts")
            try await cluster.start(node, token: token)
            try await poll(first, Self.isReady(node, kubectl))
            guard cluster.isServer(node) else { continue }
            members.append(node)
            try await cluster.waitForEtcd(members)
        }
    }

    private static func isReady(_ node: Node, _ kubectl: String) -> String {
        "\(kubectl) get nodes --no-headers 2>/dev/null | grep -q '^\(node.name) *Ready'"
    }

    /// Asks once a second until it is so.
    private func poll(_ node: Node, _ command: String) async throws {
        let end = ContinuousClock.now + .seconds(300) * max(1, node.pace)
        while try await !node.execute(command).succeeded {
            guard ContinuousClock.now < end else { throw Problem(.failure, "\(node.name): '\(command)' does not succeed") }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
