extension ProfileMembers {
    /// What all kinds of interfaces have.
    struct Interface {
        var name: String
        /// `network card eth1`, with its owner where not all nodes have it.
        var title: String
        /// Where it stands, as a path of keys.
        var path: String
        var addressing: NetworkProfile.Addressing
        var mtu: Int?

        var isFixed: Bool { if case .fixed = addressing { true } else { false } }
        var isDHCP: Bool { if case .dhcp = addressing { true } else { false } }
    }
}

extension ProfileMembers.Layout {
    /// All interfaces: network cards, bonds, VLAN interfaces. ``all`` has them ready.
    var made: [ProfileMembers.Interface] { nics.map(interface) + bonds.map(interface) + vlans.map(interface) }

    func interface(_ nic: NetworkProfile.NIC) -> ProfileMembers.Interface {
        .init(
            name: nic.name, title: "network card \(nic.name)\(owner(nicsPath))", path: "\(nicsPath).\(nic.name)",
            addressing: nic.addressing,
            mtu: nic.mtu)
    }

    func interface(_ bond: NetworkProfile.Bond) -> ProfileMembers.Interface {
        .init(
            name: bond.name, title: "bond \(bond.name)\(owner(bondsPath))", path: "\(bondsPath).\(bond.name)", addressing: bond.addressing,
            mtu: bond.mtu)
    }

    func interface(_ vlan: NetworkProfile.VLAN) -> ProfileMembers.Interface {
        .init(
            name: vlan.name, title: "VLAN interface \(vlan.name)\(owner(vlansPath))", path: "\(vlansPath).\(vlan.name)",
            addressing: vlan.addressing, mtu: vlan.mtu)
    }

    /// Whose a part is, by its path: ` of node server-2`; empty for what the profile says for all nodes.
    func owner(_ path: String) -> String {
        let parts = path.split(separator: ".")
        guard parts.count == 3 else { return "" }
        return " of \(["roles": "role", "nodes": "node", "services": "service"][parts[0]] ?? "node") \(parts[1])"
    }

    /// Whether several nodes have it.
    var isShared: Bool { nodes.count > 1 }
}

extension NetworkProfile.Addressing {
    /// Whether its addresses are made of the node's host number.
    var usesHost: Bool {
        switch self {
        case .none, .fixed: false
        case .host, .dhcp: true
        }
    }
}
