import LabEvents

extension NodeNetwork {
    /// Where a card is plugged in, or what the interface stands on. All legs that a link aggregation joins are at its port.
    public func place(of link: LinkPlan) -> String {
        guard let port = aggregationPort(of: link.name) else { return link.place }
        return "\(port) (LAG\(link.hasCable ? ", cable" : ""))"
    }

    /// The port of the link aggregation that joins a leg, which is that of the bond's first leg; nil for what is no such leg.
    public func aggregationPort(of leg: String) -> PortReference? {
        guard let bond = aggregations.first(where: { $0.legs.contains(leg) }) else { return nil }
        return cards.first { bond.legs.contains($0.link.name) }?.card.port
    }
}

extension LinkPlan {
    fileprivate var hasCable: Bool { if case .card(let card) = kind { card.cable != nil } else { false } }

    /// The hardware address where it is the interface's own; else empty.
    public var macText: String { if case .card = kind { mac.description } else { "" } }

    fileprivate var place: String {
        switch kind {
        case .card(let card): card.port.description + (card.cable == nil ? "" : " (cable)")
        case .bond(let bond): bond.legs.joined(separator: "+")
        case .vlan(_, let parent): parent
        }
    }

    /// What a card's port carries, how a bond bonds, or which VLAN it is.
    public var carries: String {
        switch kind {
        case .card(let card): card.vlans.description
        case .bond(let bond): bond.mode.rawValue
        case .vlan(let id, _): "VLAN \(id)"
        }
    }

    /// Its planned addresses, and whether DHCP gives them.
    public var addressText: String { addresses.map(\.description).joined(separator: " ") + (dhcp ? " (DHCP)" : "") }
}
