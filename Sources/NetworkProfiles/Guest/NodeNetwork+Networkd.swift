extension NodeNetwork {
    /// The node's network as systemd-networkd files (systemd.network(5), systemd.netdev(5)), named in the manner of the users' images: `10-` for what
    /// bonds are made of, `15-` for what carries VLANs, `20-` for what has an address, `20-vlan-NETWORK` for VLAN interfaces.
    ///
    /// - Parameter hardwareAddresses: whether the files may name hardware addresses: true for files that are pushed into a guest, false for files that an
    ///   image bakes in before anybody knows them. With them come `.link` files that name the cards (systemd.link(5)), and a bond takes its first leg's
    ///   address, which systemd would otherwise derive from the machine id: guests that are copies of one image would have the same.
    public func networkdFiles(hardwareAddresses: Bool = true) -> [GuestFile] {
        var files: [GuestFile] = []
        for link in links {
            switch link.kind {
            case .card(let card):
                if hardwareAddresses { files.append(cardNaming(link)) }
                files.append(network(link, bond: card.bond))
            case .bond(let bond):
                files.append(file("10-\(link.name).netdev", bondDevice(link, bond, hardwareAddresses: hardwareAddresses)))
                files.append(network(link, bond: nil))
            case .vlan(let id, _):
                let netdev = ["[NetDev]", "Kind=vlan", "Name=\(link.name)"] + mtuLine(link) + ["", "[VLAN]", "Id=\(id)"]
                files.append(file("\(stem(of: link)).netdev", netdev))
                files.append(network(link, bond: nil))
            }
        }
        return files.sorted { $0.name < $1.name }
    }

    private func file(_ name: String, _ lines: [String]) -> GuestFile {
        GuestFile(name: name, content: (["# Made by vmlab for \(self.name)."] + [""] + lines).joined(separator: "\n") + "\n")
    }

    /// The name that the card is to have. The permanent address, because VLAN interfaces and bonds have the card's address too.
    private func cardNaming(_ link: LinkPlan) -> GuestFile {
        file("10-\(link.name).link", ["[Match]", "PermanentMACAddress=\(link.mac)", "Type=ether", "", "[Link]", "Name=\(link.name)"])
    }

    private func bondDevice(_ link: LinkPlan, _ bond: NetworkProfile.Bond, hardwareAddresses: Bool) -> [String] {
        var lines = ["[NetDev]", "Kind=bond", "Name=\(link.name)"]
        if hardwareAddresses { lines.append("MACAddress=\(link.mac)") }
        lines += mtuLine(link) + ["", "[Bond]"]
        if let rate = bond.lacpRate { lines.append("LACPTransmitRate=\(rate.rawValue)") }
        lines += ["MIIMonitorSec=\(bond.miimon)ms", "Mode=\(bond.mode.rawValue)"]
        if bond.mode == .activeBackup { lines.append("GratuitousARP=\(NetworkProfile.Bond.notifications)") }
        if bond.upDelay > 0 { lines.append("UpDelaySec=\(bond.upDelay)ms") }
        if bond.downDelay > 0 { lines.append("DownDelaySec=\(bond.downDelay)ms") }
        if let reselect = bond.primaryReselect { lines.append("PrimaryReselectPolicy=\(reselect.rawValue)") }
        return lines
    }

    private func network(_ link: LinkPlan, bond: String?) -> GuestFile {
        var lines = ["[Match]", "Name=\(link.name)", "", "[Network]"]
        if let bond {
            lines.append("Bond=\(bond)")
            if case .bond(let parameters) = self.link(bond)?.kind, parameters.primary == link.name { lines.append("PrimarySlave=yes") }
            // A bond is online while one of its legs is.
            lines += ["", "[Link]", "RequiredForOnline=no"]
            if case .card = link.kind { lines += mtuLine(link) }
            return file("10-\(link.name).network", lines)
        }
        let isIPv6 = link.addresses.contains(where: \.isIPv6)
        lines += ["DHCP=\(link.dhcp ? "yes" : "no")", "IPv6AcceptRA=no", "LinkLocalAddressing=\(isIPv6 ? "ipv6" : "no")"]
        for address in link.addresses where address.isIPv6 || !link.dhcp { lines.append("Address=\(address)") }
        let children = links.filter { if case .vlan(_, let parent) = $0.kind { parent == link.name } else { false } }
        for child in children { lines.append("VLAN=\(child.name)") }
        // Copies of one image have one machine id, from which networkd would derive one client identifier for all of them.
        if link.dhcp { lines += ["", "[DHCPv4]", "ClientIdentifier=mac"] }
        if case .card = link.kind, link.mtu != 1500 { lines += ["", "[Link]"] + mtuLine(link) }
        return file("\(stem(of: link)).network", lines)
    }

    private func mtuLine(_ link: LinkPlan) -> [String] { link.mtu == 1500 ? [] : ["MTUBytes=\(link.mtu)"] }

    /// The name of a link's files without their ending.
    private func stem(of link: LinkPlan) -> String {
        if case .vlan = link.kind {
            let others = links.filter { if case .vlan = $0.kind { $0.network == link.network } else { false } }
            return "20-vlan-\(others.count == 1 ? link.network ?? link.name : link.name)"
        }
        let carriesVLANs = links.contains { if case .vlan(_, let parent) = $0.kind { parent == link.name } else { false } }
        return "\(carriesVLANs ? 15 : 20)-\(link.name)"
    }
}
