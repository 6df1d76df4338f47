import LabEvents

extension LinkPlan {
    /// The hardware address where it is the interface's own; else empty.
    public var macText: String { if case .card = kind { mac.description } else { "" } }

    /// Where a card is plugged in, or what the interface stands on.
    public var place: String {
        switch kind {
        case .card(let card): card.port.description
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
