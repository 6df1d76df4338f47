import LabEvents

/// k3s's options for one node.
public struct K3sFlags: Sendable, Equatable {
    /// What a node is to be.
    public enum Role: Sendable, Equatable {
        /// The first server, which makes the cluster.
        case primary
        /// A server that joins at a URL.
        case server(joining: String)
        /// An agent that joins at a URL.
        case agent(joining: String)

        /// Whether it is a server.
        public var isServer: Bool { if case .agent = self { false } else { true } }
    }

    /// The IP networks inside the cluster.
    public struct Networks: Sendable, Equatable {
        /// The pods', for IPv4.
        public var pods = "10.42.0.0/16"
        /// The pods', for IPv6.
        public var podsIPv6 = "fd00:42::/56"
        /// The services', for IPv4.
        public var services = "10.43.0.0/16"
        /// The services', for IPv6.
        public var servicesIPv6 = "fd00:43::/112"

        /// k3s's own for IPv4, and unique local ones for IPv6.
        public init() {}
    }

    /// The options in their order, each one word.
    public var words: [String]

    /// The options of a node.
    ///
    /// - Parameters:
    ///   - role: what it is to be.
    ///   - address: where it is reached.
    ///   - times: etcd's patience; only servers have etcd.
    ///   - disabled: packaged components that are not deployed. All servers need the same.
    ///   - networks: inside the cluster; of the families that the node has addresses of.
    ///   - extra: options that the caller adds.
    public init(
        _ role: Role, at address: ClusterAddress, times: EtcdTimes = .usual, disabled: [String] = [], networks: Networks = Networks(),
        extra: [String] = []
    ) {
        words = []
        switch role {
        case .primary: words.append("--cluster-init")
        case .server(let url), .agent(let url): words.append("--server=\(url)")
        }
        words += [
            "--node-name=\(address.node)", "--node-ip=\(address.addresses.joined(separator: ","))", "--flannel-iface=\(address.interface)",
        ]
        if role.isServer {
            words.append("--advertise-address=\(address.first)")
            words += address.addresses.map { "--tls-san=\($0)" }
            words += ["--write-kubeconfig-mode=0644"]
            words += disabled.map { "--disable=\($0)" }
            // k3s compares these among its servers; the family of the first address is the cluster's first.
            words.append("--cluster-cidr=\(Self.choose(networks.pods, networks.podsIPv6, address))")
            words.append("--service-cidr=\(Self.choose(networks.services, networks.servicesIPv6, address))")
            words += times.flags
        }
        words += extra
    }

    /// The networks of the families that a node has addresses of.
    private static func choose(_ ipv4: String, _ ipv6: String, _ address: ClusterAddress) -> String {
        let hasIPv6 = address.addresses.contains { $0.contains(":") }
        let hasIPv4 = address.addresses.contains { !$0.contains(":") }
        return ((hasIPv4 ? [ipv4] : []) + (hasIPv6 ? [ipv6] : [])).joined(separator: ",")
    }
}
