import NetworkProfiles

/// Something that a network may have.
public enum NetworkFeature: String, Sendable, CaseIterable {
    /// A node has a bond of network cards.
    case bonds
    /// A node has a VLAN interface.
    case vlans
    /// Addresses come by DHCP.
    case dhcp
    /// There are IPv6 addresses.
    case ipv6
    /// There is more than one switch.
    case severalSwitches

    /// Its name in `the network has no …`.
    var words: String {
        switch self {
        case .bonds: "bonds"
        case .vlans: "VLANs"
        case .dhcp: "DHCP"
        case .ipv6: "IPv6"
        case .severalSwitches: "second switch"
        }
    }

    func isIn(_ network: NetworkPlan?) -> Bool {
        guard let network else { return false }
        let links = network.nodes.flatMap(\.links)
        return switch self {
        case .bonds: links.contains { if case .bond = $0.kind { true } else { false } }
        case .vlans: links.contains { if case .vlan = $0.kind { true } else { false } }
        case .dhcp: links.contains(where: \.dhcp)
        case .ipv6: network.networks.contains { $0.ipv6 != nil }
        case .severalSwitches: network.segments.count > 1
        }
    }
}
