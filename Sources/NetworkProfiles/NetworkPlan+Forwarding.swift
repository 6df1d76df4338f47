/// Which frame reaches which port: the model that switches, guests and drawings are compared with.
extension NetworkPlan {
    /// A VLAN of one switch: what floods together there. VLAN 0 is the plain network of frames without a tag.
    struct Domain: Hashable {
        var segment: String
        var vlan: Int
    }

    /// The VLANs of switches that are one broadcast domain, by a representative.
    struct Domains {
        private var parents: [Domain: Domain] = [:]

        init(_ plan: NetworkPlan) {
            for trunk in plan.trunks {
                for vlan in trunk.vlans.vlans {
                    let one = find(Domain(segment: trunk.first.segment, vlan: vlan))
                    let other = find(Domain(segment: trunk.second.segment, vlan: vlan))
                    if one != other { parents[one] = other }
                }
            }
        }

        func find(_ domain: Domain) -> Domain {
            var domain = domain
            while let parent = parents[domain] { domain = parent }
            return domain
        }
    }

    /// The ports that a frame reaches when nobody has learned where its receiver is, and the tag that it has there.
    ///
    /// - Parameters:
    ///   - port: where it enters.
    ///   - tag: the VLAN of its outer tag; nil for a frame without a tag.
    /// - Returns: the ports with a network card, other than the one it came from, with the tag that the frame carries there, nil for none.
    public func delivery(from port: PortReference, tag: Int?) -> [PortReference: Int?] {
        guard let entry = segments.first(where: { $0.name == port.segment })?.ports.first(where: { $0.number == port.number }),
            let vlan = Self.vlan(of: tag, at: entry.vlans)
        else { return [:] }
        let domains = Domains(self)
        let home = domains.find(Domain(segment: port.segment, vlan: vlan))
        var reached: [PortReference: Int?] = [:]
        for segment in segments where domains.find(Domain(segment: segment.name, vlan: vlan)) == home {
            for other in segment.ports {
                let reference = PortReference(segment: segment.name, number: other.number)
                guard case .nic = other.peer, reference != port else { continue }
                if other.vlans.untagged == vlan {
                    reached[reference] = .some(nil)
                } else if other.vlans.tagged.contains(vlan) {
                    reached[reference] = vlan
                }
            }
        }
        return reached
    }

    /// The VLAN that a frame is in; nil when the port drops it.
    private static func vlan(of tag: Int?, at port: PortVLANs) -> Int? {
        guard let tag else { return port.untagged }
        return port.vlans.contains(tag) ? tag : nil
    }

    /// Two nodes, a network that both have an interface in, and whether they should reach each other there.
    public struct Pair: Sendable, Hashable, Codable {
        /// Who asks.
        public var from: String
        /// Its interface.
        public var fromInterface: String
        /// Who answers.
        public var to: String
        /// Its interface.
        public var toInterface: String
        /// The network.
        public var network: String
        /// Whether frames of one reach the other.
        public var isConnected: Bool
    }

    /// Every ordered pair of nodes in every network, in the order of networks and nodes.
    public var pairs: [Pair] {
        let domains = Domains(self)
        var pairs: [Pair] = []
        for network in networks.map(\.name) {
            var members: [(node: String, interface: String, homes: Set<Domain>)] = []
            for node in nodes {
                for link in node.links where link.network == network {
                    members.append((node.name, link.name, homes(of: link, on: node, domains)))
                }
            }
            for from in members {
                for to in members where to.node != from.node {
                    pairs.append(
                        Pair(
                            from: from.node, fromInterface: from.interface, to: to.node, toInterface: to.interface, network: network,
                            isConnected: !from.homes.isDisjoint(with: to.homes)))
                }
            }
        }
        return pairs
    }

    /// The broadcast domains that an interface's frames enter: one, or for a bond one for each leg.
    func homes(of link: LinkPlan, on node: NodeNetwork, _ domains: Domains) -> Set<Domain> {
        var tag: Int?
        var carrier = link
        if case .vlan(let id, let parent) = link.kind {
            guard let below = node.link(parent) else { return [] }
            (tag, carrier) = (id, below)
        }
        var cards: [LinkPlan.Card] = []
        switch carrier.kind {
        case .card(let card): cards = [card]
        case .bond(let bond): cards = node.cards.filter { bond.legs.contains($0.link.name) }.map(\.card)
        case .vlan: return []
        }
        return Set(
            cards.compactMap { card in
                Self.vlan(of: tag, at: card.vlans).map { domains.find(Domain(segment: card.port.segment, vlan: $0)) }
            })
    }
}
