// The forms of the plan's enumerations in JSON: an object whose one key says which case it is.

extension LinkPlan.Kind {
    private enum CodingKeys: String, CodingKey { case card, bond, vlan }
    private struct VLAN: Codable {
        var id: Int
        var parent: String
    }

    /// Decodes `{"card": …}`, `{"bond": …}` or `{"vlan": {"id": …, "parent": …}}`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let card = try container.decodeIfPresent(LinkPlan.Card.self, forKey: .card) {
            self = .card(card)
        } else if let bond = try container.decodeIfPresent(NetworkProfile.Bond.self, forKey: .bond) {
            self = .bond(bond)
        } else {
            let vlan = try container.decode(VLAN.self, forKey: .vlan)
            self = .vlan(id: vlan.id, parent: vlan.parent)
        }
    }

    /// Encodes the form that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .card(let card): try container.encode(card, forKey: .card)
        case .bond(let bond): try container.encode(bond, forKey: .bond)
        case .vlan(let id, let parent): try container.encode(VLAN(id: id, parent: parent), forKey: .vlan)
        }
    }
}

extension PortPlan.Peer {
    private enum CodingKeys: String, CodingKey { case nic, trunk }
    private struct NIC: Codable {
        var node: String
        var interface: String
    }

    /// Decodes `{"nic": {"node": …, "interface": …}}` or `{"trunk": NAME}`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let name = try container.decodeIfPresent(String.self, forKey: .trunk) {
            self = .trunk(name)
        } else {
            let nic = try container.decode(NIC.self, forKey: .nic)
            self = .nic(node: nic.node, interface: nic.interface)
        }
    }

    /// Encodes the form that ``init(from:)`` reads.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .nic(let node, let interface): try container.encode(NIC(node: node, interface: interface), forKey: .nic)
        case .trunk(let name): try container.encode(name, forKey: .trunk)
        }
    }
}
