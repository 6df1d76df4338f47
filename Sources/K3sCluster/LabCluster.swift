import GuestShell
public import LabEvents
import NetworkProfiles
import Phases
public import VMLab

/// The cluster of one lab: which nodes are servers and agents, and what can be asked of them.
public struct LabCluster: Sendable {
    /// The lab.
    public let lab: Lab
    /// How the cluster is to be formed.
    public let cluster: K3sCluster

    /// The servers, in the lab's order; the first one makes the cluster. A profile without roles has one server, its first node.
    public var servers: [Node] {
        let named = lab.clusterNodes.filter { $0.network?.role == "server" }
        return named.isEmpty ? Array(lab.clusterNodes.prefix(1)) : named
    }

    /// The agents: the other nodes of the cluster.
    public var agents: [Node] {
        let names = Set(servers.map(\.name))
        return lab.clusterNodes.filter { !names.contains($0.name) }
    }

    /// The first server.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` for a lab without nodes.
    public var primary: Node {
        get throws(Problem) {
            if let first = servers.first { return first }
            throw Problem(.invalidInput, "the lab has no node that could be a server")
        }
    }

    /// Whether a node is a server.
    public func isServer(_ node: Node) -> Bool { servers.contains { $0.name == node.name } }

    /// Where a node is reached by the others.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` for a node without an address.
    public func address(of node: Node) throws(Problem) -> ClusterAddress {
        guard let network = node.network else {
            throw Problem(.invalidInput, "\(node.name) is on no network", why: "a node of a cluster needs an address")
        }
        return try ClusterAddress(network, network: cluster.network)
    }

    /// Etcd's patience. The pace is the one that the plan was made with, so that all servers get the same.
    public var etcdTimes: EtcdTimes {
        switch cluster.patience {
        case .usual: .usual
        case .byPace: .scaled(by: lab.plan.host.pace)
        case .fixed(let times): times
        }
    }

    /// The role of a node.
    func role(of node: Node) throws(Problem) -> K3sFlags.Role {
        let first = try primary
        if node.name == first.name { return .primary }
        let url = try address(of: first).url
        return isServer(node) ? .server(joining: url) : .agent(joining: url)
    }

    /// The options of a node.
    public func flags(of node: Node) throws(Problem) -> K3sFlags {
        let role = try role(of: node)
        return K3sFlags(
            role, at: try address(of: node), times: etcdTimes, disabled: cluster.disabled, networks: cluster.networks,
            extra: role.isServer ? cluster.serverOptions : cluster.agentOptions)
    }

    /// Whether the profile keeps the nodes apart, so that nobody can join.
    public var isKeptApart: Bool { lab.plan.network?.expectedFailure?.unreachable.contains(cluster.network) ?? false }
}

extension Node {
    /// Runs a script that must succeed and is no event of its own: what is asked again and again, and what has a secret in its input or output.
    @discardableResult
    func ask(_ script: String, stdin: GuestInput = .none, limit: Duration? = nil) async throws -> String {
        var request = CommandRequest(script, timeout: limit ?? budget(.command).scaled(by: pace), stdin: stdin)
        request.captureLimit = 8 << 20
        let result = try await machine().shell.execute(request)
        guard result.succeeded else {
            let first = script.split(separator: "\n").first.map(String.init) ?? ""
            throw Problem(
                .failure, "\(name): a script failed: \(result.outcome): '\(first.prefix(120))'", location: name,
                why: [result.stderr.trimmed, result.stdout.trimmed].filter { !$0.isEmpty }.map { String($0.suffix(600)) }.joined(
                    separator: "\n"))
        }
        return result.stdout.text
    }
}
