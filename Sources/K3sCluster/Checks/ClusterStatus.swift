import FoundationEssentials
import LabEvents
import NetworkProfiles
import Phases
import VMLab

/// The state of a cluster as a value: `cluster/status.json` of the run directory.
public struct ClusterStatus: Sendable, Equatable, Codable {
    /// The version of this form.
    public var schema = 1
    /// Which k3s runs.
    public var k3s: K3sVersion
    /// Whether it is the stand-in.
    public var isStandIn: Bool
    /// The profile of the network.
    public var profile: String?
    /// The Node objects.
    public var nodes: [ClusterNode]
    /// Etcd.
    public var etcd: EtcdReport
    /// The leader's node.
    public var leader: String?
    /// The term of etcd's election.
    public var term: UInt64?
    /// How many members must agree.
    public var quorum: Int
}

extension LabCluster {
    /// The state of the cluster now.
    public func status() async throws -> ClusterStatus {
        let version = try await version(on: primary)
        let etcd = try await etcd()
        return ClusterStatus(
            k3s: version, isStandIn: version.isStandIn, profile: lab.plan.network?.profile, nodes: try await nodes(), etcd: etcd,
            leader: etcd.leader?.node, term: etcd.term, quorum: EtcdQuorum(etcd.members).needed)
    }

    /// Keeps the state as `cluster/status.json`, and tells it as a table: nodes, roles, addresses, members of etcd.
    public func keepStatus() async throws -> String {
        let status = try await status()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(status))
        // What cannot be read again is no evidence; the redactor may have changed it.
        guard try JSONDecoder().decode(ClusterStatus.self, from: Data(lab.secrets.redact(bytes))) == status else {
            throw Problem(.failure, "the status cannot be read again")
        }
        try lab.keep(bytes, as: "cluster/status.json")
        for line in status.table { lab.events.message(line) }
        return "\(status.k3s); \(status.nodes.count) nodes; etcd \(status.etcd.text); \(EtcdQuorum(status.etcd.members).text)"
    }
}

extension ClusterStatus {
    /// A line for each node.
    var table: [String] {
        let rows = nodes.map { node in
            let member = etcd.members.first { $0.node == node.name }
            let role = member.map { $0.isLearner ? "learner" : $0.node == leader ? "leader" : "voter" } ?? "-"
            return [
                node.name, node.isReady ? "Ready" : "NotReady", node.roles.isEmpty ? "agent" : node.roles.joined(separator: ","),
                node.addresses.joined(separator: ","), role,
            ]
        }
        return TextTable.lines([["NODE", "STATUS", "ROLES", "ADDRESS", "ETCD"]] + rows)
    }
}
