/// A node as it is drawn: its network cards at the edges, each with the interfaces that stand on it.
struct NodeCard {
    /// A network card and where its cable goes.
    struct Leg {
        var link: LinkPlan
        var card: LinkPlan.Card
        var side: DrawingArrangement.Side
        /// The far end in words, when it stands elsewhere and no cable is drawn.
        var reference: String?
        var strands: StrandBundle
        var impairment: NetworkProfile.Impairment?
        /// The port that its link aggregation has instead, when its own stays empty.
        var joined: PortReference?
    }

    /// An interface with addresses or a VLAN.
    struct Row {
        var link: LinkPlan
        /// Empty when the part that it comes from says it.
        var name: String
        /// The VLAN that its frames are in; nil when that differs between legs or is not known.
        var vlan: Int?
        var addresses: [String]
        /// The network, and what is unusual.
        var note: String
        /// Whether it is meant to reach others and reaches none.
        var isAlone: Bool
    }

    /// A network card or a bond, and what stands on it.
    struct Group {
        var bond: LinkPlan?
        var legs: [Leg]
        var rows: [Row]

        /// Whether it has legs on both sides.
        var isAcross: Bool { Set(legs.map(\.side)).count > 1 }
        /// Whether a link aggregation joins the legs to one port.
        var isAggregated: Bool { if case .bond(let bond) = bond?.kind { bond.mode == .lacp && !legs.isEmpty } else { false } }
        /// The side of a group that is not across.
        var side: DrawingArrangement.Side { legs.first?.side ?? .left }
    }

    var node: NodeNetwork
    var groups: [Group]
    /// Sentences about it.
    var notes: [String]

    init(_ node: NodeNetwork, in block: DrawingArrangement.Block, of plan: NetworkPlan, looks: VLANLooks, alone: Set<String>) {
        self.node = node
        groups = []
        let cards = node.cards.map { link, card in
            let side = block.side(of: card.port.segment)
            return Leg(
                link: link, card: card, side: side ?? .left, reference: side == nil ? "\(card.port.segment) port \(card.port.number)" : nil,
                strands: looks.strands(card.vlans), impairment: plan.impairments.first { $0.link == "\(node.name).\(link.name)" })
        }
        for link in node.links {
            switch link.kind {
            case .card(let card) where card.bond == nil:
                groups.append(Group(legs: cards.filter { $0.link.name == link.name }, rows: []))
            case .bond(let bond): groups.append(Group(bond: link, legs: cards.filter { bond.legs.contains($0.link.name) }, rows: []))
            case .vlan, .card: continue
            }
            let carrier = groups.count - 1
            let children = node.links.filter { if case .vlan(_, link.name) = $0.kind { true } else { false } }
            if children.isEmpty || link.network != nil || !link.addresses.isEmpty {
                let untagged = Set(groups[carrier].legs.map(\.card.vlans.untagged))
                groups[carrier].rows.append(
                    Self.row(
                        link, name: "", vlan: untagged.count == 1 ? untagged.first ?? nil : nil, alone.contains("\(node.name).\(link.name)")
                    ))
            }
            for child in children {
                guard case .vlan(let id, _) = child.kind else { continue }
                groups[carrier].rows.append(Self.row(child, name: child.name, vlan: id, alone.contains("\(node.name).\(child.name)")))
            }
        }
        for index in groups.indices where groups[index].isAggregated {
            let port = groups[index].legs[0].card.port
            for leg in groups[index].legs.indices.dropFirst() { groups[index].legs[leg].joined = port }
        }
        for index in groups.indices {
            let rows = groups[index].rows
            // Without a VLAN for each interface nothing is known to be idle.
            guard !rows.isEmpty, !rows.contains(where: { $0.vlan == nil }) else { continue }
            for leg in groups[index].legs.indices {
                groups[index].legs[leg].strands = looks.strands(groups[index].legs[leg].card.vlans, used: Set(rows.compactMap(\.vlan)))
            }
        }
        notes = cards.compactMap { leg in leg.impairment.map { "\(leg.link.name) is impaired: \($0.words)" } }
        if let service = node.service { notes.insert(contentsOf: service.words, at: 0) }
    }

    private static func row(_ link: LinkPlan, name: String, vlan: Int?, _ isAlone: Bool) -> Row {
        var notes = link.network.map { [$0] } ?? []
        if link.dhcp { notes.append("DHCP") }
        if link.mtu != 1500, !name.isEmpty { notes.append("MTU \(link.mtu)") }
        return Row(
            link: link, name: name, vlan: vlan, addresses: link.addresses.map(\.description),
            note: link.addresses.isEmpty && !link.dhcp ? "no address" : notes.joined(separator: " · "), isAlone: isAlone)
    }
}

extension NetworkProfile.Impairment {
    /// `delay 50 ms ± 10 ms · loss 5 %`.
    var words: String {
        func text(_ value: Double) -> String { value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)" }
        var words: [String] = []
        if let delay { words.append("delay\u{A0}\(text(delay))\u{A0}ms" + (jitter.map { "\u{A0}±\u{A0}\(text($0))\u{A0}ms" } ?? "")) }
        if let loss { words.append("loss\u{A0}\(text(loss))\u{A0}%") }
        if let duplicate { words.append("duplicates\u{A0}\(text(duplicate))\u{A0}%") }
        if let bandwidth { words.append("\(text(bandwidth))\u{A0}Mbit/s") }
        return words.joined(separator: " · ")
    }
}

extension ServicePlan {
    /// What it serves, in sentences.
    fileprivate var words: [String] {
        let lease =
            leaseSeconds % 3600 == 0
            ? "\(leaseSeconds / 3600) h" : leaseSeconds % 60 == 0 ? "\(leaseSeconds / 60) min" : "\(leaseSeconds) s"
        return [
            "DHCP on \(interface): \(poolStart.address) to \(poolEnd.address)",
            "lease \(lease) · \(reservations.count) \(reservations.count == 1 ? "reservation" : "reservations")",
            "image \(image) · \(memoryMiB) MiB · \(vcpus) vCPU",
        ]
    }
}

extension NetworkPlan {
    /// The interfaces, as `NODE.INTERFACE`, that are in a network with others and reach none of them.
    var aloneInterfaces: Set<String> {
        let domains = Domains(self)
        var members: [String: [(name: String, homes: Set<Domain>)]] = [:]
        for node in nodes {
            for link in node.links {
                guard let network = link.network else { continue }
                members[network, default: []].append(("\(node.name).\(link.name)", homes(of: link, on: node, domains)))
            }
        }
        var alone: Set<String> = []
        for group in members.values where group.count > 1 {
            var counts: [Domain: Int] = [:]
            for member in group { for home in member.homes { counts[home, default: 0] += 1 } }
            for member in group where member.homes.allSatisfy({ counts[$0] == 1 }) { alone.insert(member.name) }
        }
        return alone
    }
}

extension LinkPlan {
    /// What the picture has no room for.
    var tip: String { "\(name), \(mac), MTU \(mtu)" }

    /// `MTU 9000`; nothing for the usual one.
    var unusualMTU: String? { mtu == 1500 ? nil : "MTU \(mtu)" }

    /// What a bond is, in lines; nothing for other interfaces.
    var bondWords: [String] {
        guard case .bond(let bond) = kind else { return [] }
        return [bond.mode.rawValue] + (bond.primary.map { ["primary \($0)"] } ?? []) + (unusualMTU.map { [$0] } ?? [])
    }
}
