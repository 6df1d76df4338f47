/// Interfaces on interfaces: bonds, VLAN interfaces, and the MTU of both.
extension ProfileCheck {
    mutating func check(_ bond: NetworkProfile.Bond, _ layout: ProfileMembers.Layout) {
        let interface = layout.interface(bond)
        check(addressing: interface, layout)
        let cards = layout.nics.map(\.name)
        var seen: Set<String> = []
        for (index, leg) in bond.legs.enumerated() {
            let path = "\(interface.path).legs[\(index)]"
            if !seen.insert(leg).inserted {
                broken(path, "\(interface.title) has the leg \(leg) twice", why: "each leg is one network card", remedy: "name it once")
            }
            guard let nic = layout.nics.first(where: { $0.name == leg }) else {
                let owner = layout.nicsPath == "nics" ? "" : " (\(layout.nicsPath), line \(line(layout.nicsPath) ?? 0))"
                unknown(
                    path, "\(interface.title) has the leg '\(leg)', which is no network card of its node\(owner)", leg, in: cards,
                    of: "network card")
                continue
            }
            check(leg: nic, of: bond, layout)
        }
        if bond.legs.count < 2 {
            broken(
                "\(interface.path).legs", "\(interface.title) has \(bond.legs.isEmpty ? "no leg" : "one leg")",
                why: "a bond has at least two, so that one can fail", remedy: "add a network card, or use the card without a bond")
        }
        let segments = bond.legs.compactMap { leg in layout.nics.first { $0.name == leg }?.segment }
        if bond.mode == .lacp, Set(segments).count > 1 {
            report(
                "\(interface.path).legs",
                "the legs of \(interface.title) are on \(Set(segments).count) switches: \(NearName.list(segments))",
                why: "LACP has one partner, which is at one switch", remedy: "put them on one segment, or write `mode: active-backup`")
        }
        options(bond, interface)
    }

    private mutating func check(leg nic: NetworkProfile.NIC, of bond: NetworkProfile.Bond, _ layout: ProfileMembers.Layout) {
        let card = layout.interface(nic)
        if nic.addressing != .none {
            broken(
                "\(card.path).network", "\(card.title) has an address and is a leg of \(bond.name)", why: "a leg's frames go to its bond",
                remedy: "move the network to \(bond.name)")
        }
        if let vlan = layout.vlans.first(where: { $0.parent == nic.name }) {
            let upper = layout.interface(vlan)
            broken(
                "\(upper.path).link", "\(upper.title) is on \(nic.name), which is a leg of \(bond.name)",
                why: "a leg's frames go to its bond",
                remedy: "write `on: \(bond.name)`")
        }
        if let first = layout.bonds.first(where: { $0.legs.contains(nic.name) }), first.name != bond.name {
            broken(
                "\(layout.bondsPath).\(bond.name).legs", "\(nic.name) is a leg of two bonds", why: "\(first.name) and \(bond.name) name it",
                remedy: "remove it from one of them")
        }
    }

    private mutating func options(_ bond: NetworkProfile.Bond, _ interface: ProfileMembers.Interface) {
        let limits = NetworkProfile.Limits.self
        range(
            bond.miimon, limits.miimon, "\(interface.path).miimon", "miimon of \(interface.title)",
            why: "a bond without it never sees a failure")
        for (key, delay) in [("upDelay", bond.upDelay), ("downDelay", bond.downDelay)] {
            range(delay, limits.bondDelay, "\(interface.path).\(key)", "\(key) of \(interface.title)")
            guard bond.miimon > 0, delay % bond.miimon != 0 else { continue }
            let nearest = (delay / bond.miimon + 1) * bond.miimon
            report(
                "\(interface.path).\(key)", "\(key) of \(interface.title) is \(delay), no multiple of miimon \(bond.miimon)",
                why: "the kernel counts it in looks at carrier and rounds it down", remedy: "write for example `\(key): \(nearest)`")
        }
        if let primary = bond.primary, bond.mode == .activeBackup, !bond.legs.contains(primary) {
            let near = NearName.of(primary, in: bond.legs)
            report(
                "\(interface.path).primary", "the primary '\(primary)' of \(interface.title) is none of its legs",
                why: "its legs are \(NearName.list(bond.legs))", remedy: near.map { "did you mean '\($0)'?" } ?? "choose one of them")
        }
        let isActiveBackup = bond.mode == .activeBackup
        var foreign: [String] = []
        if !isActiveBackup, bond.primary != nil { foreign.append("primary") }
        if !isActiveBackup, bond.primaryReselect != nil { foreign.append("primaryReselect") }
        if isActiveBackup, bond.lacpRate != nil { foreign.append("lacpRate") }
        for key in foreign {
            report(
                "\(interface.path).\(key)", "\(interface.title) has '\(key)', which the mode \(bond.mode.rawValue) does not have",
                why: "it belongs to \(isActiveBackup ? "802.3ad" : "active-backup")", remedy: "remove it, or change the mode")
        }
        if isActiveBackup, bond.primaryReselect != nil, bond.primary == nil {
            report(
                "\(interface.path).primaryReselect", "\(interface.title) has 'primaryReselect' without 'primary'",
                why: "it says when the primary is used again", remedy: "add for example `primary: \(bond.legs.first ?? "eth1")`")
        }
    }

    mutating func check(_ vlan: NetworkProfile.VLAN, _ layout: ProfileMembers.Layout) {
        let interface = layout.interface(vlan)
        check(addressing: interface, layout)
        self.vlan(vlan.id, "\(interface.path).id", interface.title)
        if let other = layout.vlans.first(where: { $0.parent == vlan.parent && $0.id == vlan.id }), other.name != vlan.name {
            broken(
                "\(interface.path).id", "\(other.name) and \(vlan.name)\(layout.owner) are both VLAN \(vlan.id) on \(vlan.parent)",
                why: "the kernel makes one interface for each VLAN of a card", remedy: "change the id or 'link' of one of them")
        }
        let bond = layout.bonds.first { $0.name == vlan.parent }
        let cards = layout.nics.filter { nic in nic.name == vlan.parent || (bond?.legs.contains(nic.name) ?? false) }
        guard bond != nil || !cards.isEmpty else {
            let isVLAN = layout.vlans.contains { $0.name == vlan.parent }
            let known = layout.nics.map(\.name) + layout.bonds.map(\.name)
            unknown(
                "\(interface.path).link",
                "\(interface.title) is on '\(vlan.parent)', which is \(isVLAN ? "a VLAN interface itself" : "unknown")",
                vlan.parent, in: known, of: "network card or bond",
                remedy: isVLAN ? "use one of these: VLANs are not nested" : nil)
            return
        }
        for card in cards where !card.port.tagged.contains(vlan.id) && NetworkProfile.Limits.vlans.contains(vlan.id) {
            let isNative = card.port.untagged == vlan.id
            let carried =
                card.port.tagged.isEmpty
                ? (card.port.untagged == 0
                    ? "it takes frames without a tag, in no VLAN" : "it is an access port of VLAN \(card.port.untagged ?? 0)")
                : "it carries \(card.port.tagged.text)"
            broken(
                "\(interface.path).id", "\(interface.title) is VLAN \(vlan.id), which the port of \(card.name) does not carry with its tag",
                why: isNative ? "there the VLAN has no tag, so its frames never come to a VLAN interface" : carried,
                remedy: isNative
                    ? "put \(vlan.id) into `trunk` of \(card.name) (\(layout.nicsPath).\(card.name))"
                    : "add \(vlan.id) to `trunk` of \(card.name) (\(layout.nicsPath).\(card.name)), or change the id")
        }
    }

    mutating func mtu(_ mtu: Int, _ path: String, _ title: String) {
        range(
            mtu, NetworkProfile.Limits.mtu, path, title,
            why: "vde_switch silently cuts frames off at 1518 bytes, which are 1500 of payload and a VLAN tag; IPv4 needs 576")
    }

    /// A frame must fit through everything below its interface.
    mutating func mtus(of layout: ProfileMembers.Layout) {
        var known: [String: Int] = [:]
        for nic in layout.nics {
            let bond = layout.bonds.first { $0.legs.contains(nic.name) }
            known[nic.name] = nic.mtu ?? bond?.mtu ?? profile.mtu
        }
        for bond in layout.bonds {
            guard let first = bond.legs.first.flatMap({ known[$0] }) else { continue }
            let mtu = bond.mtu ?? first
            known[bond.name] = mtu
            for leg in bond.legs {
                guard let other = known[leg], other != mtu else { continue }
                report(
                    "\(layout.nicsPath).\(leg).mtu", "\(leg) has the MTU \(other), and its bond \(bond.name) has \(mtu)",
                    why: "a bond gives its MTU to all legs", remedy: "write the MTU at the bond alone")
            }
        }
        for vlan in layout.vlans {
            guard let parent = known[vlan.parent] else { continue }
            known[vlan.name] = vlan.mtu ?? parent
            guard let mtu = vlan.mtu, mtu > parent else { continue }
            report(
                "\(layout.vlansPath).\(vlan.name).mtu",
                "\(layout.interface(vlan).title) has the MTU \(mtu), more than \(vlan.parent) with \(parent)",
                why: "its frames go through \(vlan.parent)", remedy: "write at most \(parent), or raise the MTU of \(vlan.parent)")
        }
        let least = NetworkProfile.Limits.leastMTUForIPv6
        for interface in layout.all {
            guard let mtu = known[interface.name], mtu < least, let network = interface.addressing.network,
                profile.networks.contains(where: { $0.name == network && $0.ipv6 != nil })
            else { continue }
            report(
                "\(interface.path).mtu", "\(interface.title) has the MTU \(mtu) in network \(network), which has IPv6",
                why: "IPv6 needs \(least) (RFC 8200)", remedy: "write at least \(least)")
        }
    }
}
