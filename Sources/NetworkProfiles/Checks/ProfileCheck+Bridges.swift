/// How two switches are joined.
extension ProfileCheck {
    /// The trunks from one switch to another, in order; nil when no trunks join them. There are no loops, so there is one way.
    private func way(_ start: String, _ end: String) -> [NetworkProfile.Trunk]? {
        var trunks: [String: [(trunk: NetworkProfile.Trunk, far: String)]] = [:]
        for trunk in profile.trunks where trunk.segments.count == 2 {
            trunks[trunk.segments[0], default: []].append((trunk, trunk.segments[1]))
            trunks[trunk.segments[1], default: []].append((trunk, trunk.segments[0]))
        }
        var ways: [String: [NetworkProfile.Trunk]] = [start: []]
        var queue = [start]
        while let segment = queue.popLast() {
            if segment == end { return ways[segment] }
            for (trunk, far) in trunks[segment] ?? [] where ways[far] == nil {
                ways[far] = (ways[segment] ?? []) + [trunk]
                queue.append(far)
            }
        }
        return nil
    }

    private func carries(_ trunk: NetworkProfile.Trunk, _ vlan: Int) -> Bool { vlan == 0 ? trunk.untagged : trunk.vlans.contains(vlan) }

    /// The first trunk on the way that does not carry a VLAN (0 for frames without a tag); nil when no trunks join the switches.
    func missing(_ one: String, _ other: String, _ vlan: Int) -> String? { way(one, other)?.first { !carries($0, vlan) }?.name }

    /// Why a VLAN does not come from one switch to another, as a part of a sentence.
    func bridge(_ one: String, _ other: String, _ vlan: Int) -> String {
        guard let name = missing(one, other, vlan), let trunk = profile.trunks.first(where: { $0.name == name }) else {
            return "no trunk joins \(one) and \(other)"
        }
        let carried = (trunk.untagged ? ["frames without a tag"] : []) + trunk.vlans.map { "VLAN \($0)" }
        return "trunk \(name) between them carries only \(NearName.list(carried))"
    }

    /// What to do about it.
    func fix(_ one: String, _ other: String, _ vlan: Int) -> String {
        let what = vlan == 0 ? "`untagged: true`" : "VLAN \(vlan)"
        return missing(one, other, vlan).map { "give trunk \($0) \(what)" } ?? "join \(one) and \(other) by a trunk with \(what)"
    }
}

extension NetworkPlan {
    /// The switches and VLANs that an interface's frames enter at its own ports: one, or for a bond one for each leg.
    func ownDomains(of link: LinkPlan, on node: NodeNetwork) -> [Domain] {
        var tag: Int?
        var carrier = link
        if case .vlan(let id, let parent) = link.kind {
            guard let below = node.link(parent) else { return [] }
            (tag, carrier) = (id, below)
        }
        switch carrier.kind {
        case .card(let card): return [domain(card, tag)].compactMap { $0 }
        case .bond(let bond):
            return bond.legs.compactMap { leg in
                guard case .card(let card)? = node.link(leg)?.kind else { return nil }
                return domain(card, tag)
            }
        case .vlan: return []
        }
    }

    private func domain(_ card: LinkPlan.Card, _ tag: Int?) -> Domain? {
        (tag ?? card.vlans.untagged).map { Domain(segment: card.port.segment, vlan: $0) }
    }
}

extension LinkPlan {
    var isVLAN: Bool { if case .vlan = kind { true } else { false } }
}

extension Int? {
    /// The VLAN of frames without a tag, for a sentence.
    var text: String { self.map { $0 == 0 ? "in no VLAN" : "in VLAN \($0)" } ?? "dropped" }
}

extension ProfileMembers {
    /// The service of a name. Services come first, and are few.
    func service(_ name: String) -> NetworkProfile.Service? { nodes.prefix { $0.service != nil }.first { $0.name == name }?.service }
}
