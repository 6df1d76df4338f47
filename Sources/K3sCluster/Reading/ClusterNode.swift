import FoundationEssentials
public import LabEvents

/// A Node object of the Kubernetes API.
public struct ClusterNode: Sendable, Equatable, Codable {
    /// Its name.
    public var name: String
    /// Its roles, sorted: `control-plane`, `etcd`; none for an agent.
    public var roles: [String]
    /// Its `Ready` condition: `True`, `False` or `Unknown`; nil while it has none.
    public var ready: String?
    /// What the condition says besides, such as `KubeletNotReady`.
    public var reason: String?
    /// Its internal addresses.
    public var addresses: [String]
    /// The version of its kubelet, which is that of k3s.
    public var version: String?
    /// Whether etcd says that it votes; nil where nothing is said.
    public var isVoter: Bool?

    /// Whether it is Ready.
    public var isReady: Bool { ready == "True" }

    /// `server-1 Ready control-plane,etcd 192.168.1.1`.
    public var text: String {
        let state = isReady ? "Ready" : "NotReady" + (reason.map { " (\($0))" } ?? "")
        return "\(name) \(state) \(roles.isEmpty ? "<none>" : roles.joined(separator: ",")) \(addresses.joined(separator: ","))"
    }

    /// The nodes from what `/api/v1/nodes` or `kubectl get nodes -o json` answer.
    ///
    /// - Throws: a ``Problem`` with the answer's beginning when it is neither.
    public static func list(_ json: [UInt8]) throws(Problem) -> [ClusterNode] {
        do {
            return try JSONDecoder().decode(ObjectList<Object>.self, from: Data(json)).items.map(\.node)
        } catch {
            throw Problem(.failure, "no list of nodes", why: "the answer was '\(String(decoding: json.prefix(200), as: UTF8.self))'")
        }
    }

    private struct Object: Decodable {
        struct Address: Decodable {
            var type: String
            var address: String
        }
        struct Condition: Decodable {
            var type: String
            var status: String
            var reason: String?
        }
        struct Info: Decodable { var kubeletVersion: String? }
        struct Status: Decodable {
            var addresses: [Address]?
            var conditions: [Condition]?
            var nodeInfo: Info?
        }
        var metadata: ObjectMetadata
        var status: Status?

        var node: ClusterNode {
            let prefix = "node-role.kubernetes.io/"
            let ready = status?.conditions?.first { $0.type == "Ready" }
            return ClusterNode(
                name: metadata.name,
                roles: (metadata.labels ?? [:]).keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted(),
                ready: ready?.status, reason: ready?.reason,
                addresses: (status?.addresses ?? []).filter { $0.type == "InternalIP" }.map(\.address),
                version: status?.nodeInfo?.kubeletVersion,
                isVoter: status?.conditions?.first { $0.type == "EtcdIsVoter" }.map { $0.status == "True" })
        }
    }
}

/// A pod.
public struct ClusterPod: Sendable, Equatable, Codable {
    /// Its namespace.
    public var namespace: String
    /// Its name.
    public var name: String
    /// Its labels.
    public var labels: [String: String]
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    public var phase: String
    /// The node that runs it; nil while none does.
    public var node: String?

    /// The pods from what `/api/v1/pods` answers.
    ///
    /// - Throws: a ``Problem`` with the answer's beginning when it is no such list.
    public static func list(_ json: [UInt8]) throws(Problem) -> [ClusterPod] {
        do {
            return try JSONDecoder().decode(ObjectList<Object>.self, from: Data(json)).items.map { object in
                ClusterPod(
                    namespace: object.metadata.namespace ?? "", name: object.metadata.name, labels: object.metadata.labels ?? [:],
                    phase: object.status?.phase ?? "Unknown", node: object.spec?.nodeName)
            }
        } catch {
            throw Problem(.failure, "no list of pods", why: "the answer was '\(String(decoding: json.prefix(200), as: UTF8.self))'")
        }
    }

    private struct Object: Decodable {
        struct Spec: Decodable { var nodeName: String? }
        struct Status: Decodable { var phase: String? }
        var metadata: ObjectMetadata
        var spec: Spec?
        var status: Status?
    }
}

struct ObjectList<Item: Decodable>: Decodable {
    var items: [Item]
}

struct ObjectMetadata: Decodable {
    var name: String
    var namespace: String?
    var labels: [String: String]?
}
