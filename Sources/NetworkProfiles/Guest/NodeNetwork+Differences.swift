import LabEvents

extension NodeNetwork {
    /// What a guest has otherwise than planned, each in a few words that begin with the interface; empty when all is as planned.
    public func differences(from observed: ObservedNetwork) -> [String] { links.flatMap { differences(of: $0, in: observed) } }

    private func differences(of link: LinkPlan, in observed: ObservedNetwork) -> [String] {
        guard let seen = observed.links[link.name] else { return ["\(link.name): there is no such interface"] }
        var found: [String] = []
        func compare<Value: Equatable>(_ what: String, _ wanted: Value, _ seen: Value?) {
            if seen != wanted { found.append("\(link.name): \(what) is \(seen.map { "\($0)" } ?? "unknown") instead of \(wanted)") }
        }
        compare("the hardware address", link.mac.description, seen.permanentAddress ?? seen.address)
        compare("the MTU", link.mtu, seen.mtu)
        if seen.carrier != true { found.append("\(link.name): \(seen.carrier == nil ? "it is down" : "there is no carrier")") }
        switch link.kind {
        case .card(let card): if card.bond != seen.master { found.append("\(link.name): \(Self.membership(seen.master, card.bond))") }
        case .bond(let bond): found += Self.differences(of: bond, in: seen)
        case .vlan(let id, let parent):
            compare("the VLAN", id, seen.vlan)
            compare("the interface below", parent, seen.parent)
        }
        return found + addressDifferences(of: link, seen, observed.routes)
    }

    private static func membership(_ seen: String?, _ wanted: String?) -> String {
        guard let wanted else { return "it is a leg of \(seen ?? ""), and should be of none" }
        return seen.map { "it is a leg of \($0) instead of \(wanted)" } ?? "it is no leg of \(wanted)"
    }

    private static func differences(of bond: NetworkProfile.Bond, in seen: ObservedNetwork.Link) -> [String] {
        // The kernel prints some values as a name and a number: `active-backup 1`.
        func word(_ key: String) -> String { seen.bond[key]?.split(separator: " ").first.map(String.init) ?? "" }
        var wanted: [(String, String)] = [
            ("mode", bond.mode.rawValue), ("miimon", "\(bond.miimon)"), ("updelay", "\(bond.upDelay)"), ("downdelay", "\(bond.downDelay)"),
            ("mii_status", "up"),
        ]
        if let primary = bond.primary { wanted += [("primary", primary), ("active_slave", primary)] }
        if let reselect = bond.primaryReselect { wanted.append(("primary_reselect", reselect.rawValue)) }
        if let rate = bond.lacpRate { wanted.append(("lacp_rate", rate.rawValue)) }
        var found = wanted.filter { word($0.0) != $0.1 }.map { key, value in
            "\(seen.name): \(key) is \(word(key).isEmpty ? "empty" : word(key)) instead of \(value)"
        }
        let legs = Set((seen.bond["slaves"] ?? "").split(separator: " ").map(String.init))
        if legs != Set(bond.legs) {
            found.append(
                "\(seen.name): its legs are \(legs.isEmpty ? "none" : legs.sorted().joined(separator: " ")) instead of \(bond.legs.joined(separator: " "))"
            )
        }
        return found
    }

    private func addressDifferences(of link: LinkPlan, _ seen: ObservedNetwork.Link, _ routes: [String]) -> [String] {
        let wanted = link.addresses.map(\.description)
        var found = wanted.filter { !seen.addresses.contains($0) }.map {
            "\(link.name): \($0) is missing\(link.dhcp ? " (by DHCP)" : "")"
        }
        found += seen.addresses.filter { !wanted.contains($0) }.map { "\(link.name): \($0) is there too" }
        found += seen.tentative.filter(wanted.contains).map { "\(link.name): \($0) is not sure to be its own yet" }
        found += link.addresses.filter { address in !routes.contains("\(address.network) dev \(link.name)") }.map {
            "\(link.name): no route to \($0.network)"
        }
        return found
    }
}
