import GuestShell
import K3sCluster
import LabEvents
import Phases
import VMLab

extension Lab {
    /// What the scenario `causes-and-cures` does.
    var cures: Cures { Cures(lab: self) }
}

/// Causes of failure and their cures, on a lab of two servers.
struct Cures: Sendable {
    let lab: Lab

    /// The cluster with etcd's members as patient as k3s has them.
    var cluster: LabCluster { K3sCluster().with { $0.patience = .usual }.on(lab) }
    /// The same with members that wait three times as long.
    var patient: LabCluster { K3sCluster().with { $0.patience = .fixed(.scaled(by: 3)) }.on(lab) }
    /// The server that joins.
    var second: Node { get throws(Problem) { try lab.node("server-2") } }

    /// How long what must not come is given to come, once the reason was said.
    private static let patience = Budget("no-join", .seconds(5))
    private static let reason = Budget("reason", .seconds(90))
    private static let modes = "/etc/k3s-standin/modes.json"

    // MARK: FM-2

    /// Waits until the k3s that the boot started has made its database.
    func waitForLeftovers() async throws -> String {
        let first = try cluster.primary
        let unit = try await cluster.dialect(of: first).server.unit
        guard try await first.execute("systemctl is-enabled -q \(unit)").succeeded else { throw Skip.byDesign("the image starts no k3s") }
        try await first.waitUntilSucceeds("systemctl is-active -q \(unit)", .seconds(180))
        return "\(unit) runs, by the boot"
    }

    func prepare(_ node: Node) async throws -> String {
        let found = try await cluster.takeControl(of: node)
        return try await found + "; " + cluster.prepare(node)
    }

    // MARK: A unit that never becomes ready

    /// Starts the first server so that it runs and does not say that it is ready.
    func startUnready() async throws {
        let first = try cluster.primary
        guard try await cluster.version(on: first).isStandIn else { throw Skip.byDesign("only the stand-in can be told to") }
        try await first.run("echo '{\"never_ready\": true}' >\(Self.modes)")
        try await cluster.start(first, token: .generated())
        try await first.waitForJournal("Polling for API server readiness.*unable to handle", Self.reason)
        try await cluster.waitForJoin(of: first, Self.patience)
    }

    func becomeReady() async throws -> String {
        let first = try cluster.primary
        guard try await cluster.version(on: first).isStandIn else { return try await cluster.formFirstServer() }
        try await first.run("rm \(Self.modes)")
        try await cluster.waitForJoin(of: first)
        return try await cluster.waitForEtcd([first]).text
    }

    // MARK: FM-4

    /// What a fallback for a missing arping leaves: ping is answered, TCP is not.
    private func poison() async throws {
        let (node, target) = (try second, try cluster.address(of: cluster.primary).first)
        let interface = try cluster.address(of: node).interface
        try await node.run("ip neigh replace \(target) lladdr ff:ff:ff:ff:ff:ff nud permanent dev \(interface)")
    }

    func joinUnchecked() async throws {
        let node = try second
        try await poison()
        try await node.succeed("ping -c 1 -W 5 \(cluster.address(of: cluster.primary).first)")
        try await cluster.start(node, token: cluster.token())
        try await node.waitForJournal("failed to get CA certs", Self.reason)
        try await cluster.waitForJoin(of: node, Self.patience)
    }

    func joinChecked() async throws -> String {
        let node = try second
        try await cluster.stop(node)
        try await poison()
        return try await cluster.join(node, expecting: [cluster.primary, node])
    }

    // MARK: FM-1

    /// Lets the holder of the leases stand still for so long that etcd's usual members have begun an election: the leader looks for its quorum once in an election
    /// timeout, and a follower begins between one and two of them.
    ///
    /// To the one that stands still no time passes, so its leases are as good as before; any other would end for want of a write in 10 s.
    func freeze(_ cluster: LabCluster) async throws -> String {
        let holder = try await cluster.waitForLeaseHolder()
        let duration = Duration.milliseconds(2 * EtcdTimes.usual.election + 500)
        let text = try await cluster.keepingLeader {
            try await lab.withFault(.node(holder.name, .freeze)) { try await Task.sleep(for: duration) }
        }
        return "\(holder.name) stood still for \(duration.seconds) s, etcd waits \(cluster.etcdTimes.election) ms: \(text)"
    }

    /// Starts both servers anew with the options of a cluster.
    func restart(_ cluster: LabCluster) async throws {
        let token = try await cluster.token()
        for node in cluster.servers { try await cluster.start(node, token: token) }
        for node in cluster.servers { try await cluster.waitForJoin(of: node) }
        try await cluster.waitForEtcd()
    }
}
