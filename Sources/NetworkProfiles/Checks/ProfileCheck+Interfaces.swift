import LabEvents

extension ProfileCheck {
    /// The interfaces of nodes that have the same.
    mutating func interfaces(of layout: ProfileMembers.Layout) {
        names(of: layout)
        for nic in layout.nics { check(nic, layout) }
        for bond in layout.bonds { check(bond, layout) }
        for vlan in layout.vlans { check(vlan, layout) }
        defaults(of: layout)
        mtus(of: layout)
    }

    private mutating func names(of layout: ProfileMembers.Layout) {
        var seen: [String: String] = [:]
        for interface in layout.all {
            let name = interface.name
            if !NetworkProfile.Limits.isInterfaceName(name) {
                broken(
                    interface.path, "interface name '\(name.prefix(80))' is not acceptable",
                    why: name.utf8.count > 15
                        ? "it has \(name.utf8.count) bytes, and the kernel takes 15" : "it has 1 to 15 letters, digits, '-', '_' and '.'",
                    remedy: "choose another name")
            } else if name == "eth0" {
                broken(
                    interface.path, "eth0 is not for profiles", why: "it is the user-mode network of every node", remedy: "begin with eth1")
            } else if [".", "..", "lo", "all", "default"].contains(name) {
                broken(
                    interface.path, "interface name '\(name)' is not acceptable", why: "the kernel has another meaning for it",
                    remedy: "choose another name")
            }
            if let other = seen.updateValue(name, forKey: name.lowercased()) {
                broken(
                    interface.path, "two interfaces are called '\(name)'",
                    why: other == name
                        ? "a node's interfaces differ in name" : "the other is written '\(other)', and case does not tell names apart",
                    remedy: "choose another name for one of them")
            }
        }
        for (index, nic) in layout.nics.enumerated() { checkPlace(layout.interface(nic), isCard: index + 1) }
        for interface in layout.bonds.map(layout.interface) + layout.vlans.map(layout.interface) { checkPlace(interface, isCard: nil) }
        guard layout.nics.count > NetworkProfile.Limits.nics else { return }
        report(
            layout.nicsPath, "too many network cards\(layout.owner(layout.nicsPath))",
            why: "\(layout.nics.count) given, \(NetworkProfile.Limits.nics) fit beside eth0", remedy: "use VLAN interfaces on fewer cards")
    }

    /// Guests name network cards in the order in which they find them, whatever the profile calls them.
    private mutating func checkPlace(_ interface: ProfileMembers.Interface, isCard position: Int?) {
        guard interface.name.hasPrefix("eth"), let number = Int(interface.name.dropFirst(3)), number != position, interface.name != "eth0"
        else { return }
        if let position {
            report(
                interface.path, "\(interface.title) is not at its place",
                why: "eth0 is the user-mode network, and the guest will call this card eth\(position)", remedy: "call it eth\(position)")
        } else {
            report(
                interface.path, "\(interface.title) has a network card's name", why: "the guest gives the names ethN to its network cards",
                remedy: "choose another name")
        }
    }

    private mutating func check(_ nic: NetworkProfile.NIC, _ layout: ProfileMembers.Layout) {
        let interface = layout.interface(nic)
        if !profile.segments.contains(nic.segment) {
            unknown(
                "\(interface.path).segment", "\(interface.title) plugs into the unknown segment '\(nic.segment)'", nic.segment,
                in: profile.segments, of: "segment")
        }
        vlans(nic.port.tagged, "\(interface.path).trunk", interface.title)
        let isAccess = nic.port.tagged.isEmpty
        if let untagged = nic.port.untagged, untagged != 0 {
            vlan(untagged, "\(interface.path).\(isAccess ? "access" : "native")", interface.title)
        }
        if let native = nic.port.untagged, nic.port.tagged.contains(native) {
            report(
                "\(interface.path).native", "\(interface.title) has VLAN \(native) with a tag and without",
                why: "it is native and in the trunk too",
                remedy: "remove it from one of them")
        }
        if let port = nic.portNumber {
            range(port, NetworkProfile.Limits.ports, "\(interface.path).port", "the port of \(interface.title)")
            single("port", interface, layout)
        }
        if let mac = nic.mac {
            single("mac", interface, layout)
            check(mac: mac, interface, layout)
        }
        check(addressing: interface, layout)
        if nic.addressing.network != nil, nic.port.untagged == nil {
            broken(
                "\(interface.path).network",
                "\(interface.title) is in network \(nic.addressing.network ?? ""), but its port takes tagged frames only",
                why: "the port is a trunk of \(nic.port.tagged.text); the card itself sends without a tag",
                remedy: "put the network on a VLAN interface, or give the port a 'native' VLAN")
        }
    }

    private mutating func check(mac text: String, _ interface: ProfileMembers.Interface, _ layout: ProfileMembers.Layout) {
        let path = "\(interface.path).mac"
        guard let mac = MACAddress(text) else {
            report(
                path, "'\(text.prefix(40))' of \(interface.title) is no hardware address",
                why: "it is not six bytes in hexadecimal with colons",
                remedy: "write for example 52:54:00:01:01:01")
            return
        }
        if mac.bytes.allSatisfy({ $0 == 0 }) || mac.bytes[0] & 1 == 1 {
            report(
                path, "no card can have the hardware address \(mac) of \(interface.title)",
                why: mac.bytes[0] & 1 == 1 ? "the lowest bit of its first byte makes it a group address" : "it is all zero",
                remedy: "use an address that begins with 52:54:00")
            return
        }
        guard let node = layout.nodes.first.map({ members.nodes[$0].name }), !layout.isShared else { return }
        let owner = "\(node) \(interface.name)"
        guard let other = macs.updateValue(owner, forKey: mac) else { return }
        report(
            path, "the hardware address \(mac) is given twice", why: "\(other) and \(owner) have it",
            remedy: "choose another for one of them, or remove 'mac'")
    }

    /// What can be true of one node alone.
    private mutating func single(_ key: String, _ interface: ProfileMembers.Interface, _ layout: ProfileMembers.Layout) {
        guard layout.isShared else { return }
        let names = layout.nodes.map { members.nodes[$0].name }
        report(
            "\(interface.path).\(key)", "\(interface.title) has '\(key)' for \(names.count) nodes",
            why: "it stands where it counts for \(NearName.list(names, limit: 4))",
            remedy: "write it under `nodes`, for each node that needs it")
    }

    /// The network of an interface, and what belongs to it.
    mutating func check(addressing interface: ProfileMembers.Interface, _ layout: ProfileMembers.Layout) {
        if let mtu = interface.mtu { self.mtu(mtu, "\(interface.path).mtu", "the MTU of \(interface.title)") }
        guard let name = interface.addressing.network else { return }
        guard let network = profile.networks.first(where: { $0.name == name }) else {
            unknown(
                "\(interface.path).network", "\(interface.title) is in the unknown network '\(name)'", name,
                in: profile.networks.map(\.name),
                of: "network")
            return
        }
        if interface.isFixed { single("address", interface, layout) }
        guard interface.isDHCP else { return }
        let path = "\(interface.path).dhcp"
        if network.ipv4 == nil {
            report(
                path, "\(interface.title) asks by DHCP in network \(name), which has no IPv4 prefix", why: "DHCP gives IPv4 addresses",
                remedy: "remove 'dhcp', or give the network an 'ipv4'")
        } else if !profile.services.contains(where: { $0.dhcp.network == name }) {
            report(
                path, "\(interface.title) asks by DHCP in network \(name), which no service serves",
                why: profile.services.isEmpty
                    ? "the profile has no services" : "services serve \(NearName.list(profile.services.map(\.dhcp.network)))",
                remedy: "add a service for \(name), or remove 'dhcp'")
        }
    }

    /// A node with two interfaces in one network answers on either, so neither can be tested.
    private mutating func defaults(of layout: ProfileMembers.Layout) {
        var owners: [String: String] = [:]
        for interface in layout.all {
            guard let network = interface.addressing.network, let other = owners.updateValue(interface.name, forKey: network) else {
                continue
            }
            report(
                "\(interface.path).network", "\(other) and \(interface.name)\(layout.owner) are in the same network \(network)",
                why: "a node has one interface in each network: with two, replies leave by either",
                remedy: "make a bond of them, or give one another network")
        }
    }
}

extension [Int] {
    /// Numbers for a sentence.
    var text: String { isEmpty ? "no VLAN" : map(String.init).joined(separator: ", ") }
}
