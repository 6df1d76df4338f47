public import LabEvents
public import NetworkProfiles

/// Where a node of the cluster is reached by the others.
public struct ClusterAddress: Sendable, Equatable {
    /// The node's name.
    public var node: String
    /// The interface.
    public var interface: String
    /// Its hardware address.
    public var mac: String
    /// Its addresses without lengths, the first one first: IPv4 before IPv6.
    public var addresses: [String]
    /// Whether the interface is on a bond, has a VLAN, or gets its address by DHCP: what its gate waits for.
    public var kind: Kind

    /// What stands between a cable and the address.
    public enum Kind: String, Sendable, Equatable, CaseIterable {
        /// Nothing.
        case plain
        /// A VLAN on a card.
        case vlan
        /// A bond, perhaps with a VLAN on it.
        case bond
        /// A lease.
        case dhcp

        /// Seconds that the address may take after the boot, on a host of pace 1.
        public var gateSeconds: Double {
            switch self {
            case .plain, .vlan, .dhcp: 60
            case .bond: 120
            }
        }
    }

    /// The address of a node in a network of a profile.
    ///
    /// - Parameters:
    ///   - node: the node's part of the plan.
    ///   - network: the network's name. Where no network of a node has it, the first one that has an address counts.
    /// - Throws: a ``Problem`` of kind `invalidInput` for a node that has no address.
    public init(_ node: NodeNetwork, network: String = "cluster") throws(Problem) {
        let addressed = node.links.filter { !$0.addresses.isEmpty }
        guard let link = addressed.first(where: { $0.network == network }) ?? addressed.first else {
            throw Problem(.invalidInput, "\(node.name) has no address in the network '\(network)'", why: "a node of a cluster needs one")
        }
        self.node = node.name
        interface = link.name
        mac = "\(link.mac)"
        addresses = (link.addresses.filter { !$0.isIPv6 } + link.addresses.filter(\.isIPv6)).map(\.address)
        kind = Self.kind(of: link, in: node)
    }

    private static func kind(of link: LinkPlan, in node: NodeNetwork) -> Kind {
        if link.dhcp { return .dhcp }
        switch link.kind {
        case .bond: return .bond
        case .card: return .plain
        case .vlan(_, let parent):
            let below = node.link(parent).map { kind(of: $0, in: node) }
            return below == .bond ? .bond : .vlan
        }
    }

    /// The first address.
    public var first: String { addresses[0] }

    /// The URL of the supervisor and the API on this node.
    public var url: String { "https://\(Self.bracketed(first)):6443" }

    /// An IPv6 address as URLs have it.
    static func bracketed(_ address: String) -> String { address.contains(":") ? "[\(address)]" : address }
}
