/// What reaches what, by the plan of all nodes.
extension ProfileCheck {
    /// One end of a network: where an interface of a node comes out.
    private struct End {
        var node: NodeNetwork
        var link: LinkPlan
        var home: NetworkPlan.Domain
        /// The switch and VLAN that its own port puts it in.
        var own: NetworkPlan.Domain
        var layout: Int

        /// `VLAN 100 of switch lan`.
        var place: String { own.vlan == 0 ? "the plain network of switch \(own.segment)" : "VLAN \(own.vlan) of switch \(own.segment)" }
    }

    mutating func reach() {
        var assembly = PlanAssembly(profile, lab: profile.name)
        let plan = assembly.plan(members, members.nodes)
        let domains = NetworkPlan.Domains(plan)
        bonds(plan, domains)
        var ends: [String: [End]] = [:]
        for (index, node) in plan.nodes.enumerated() {
            for link in node.links {
                guard let network = link.network else { continue }
                let own = plan.ownDomains(of: link, on: node)
                guard let first = own.first, Set(own.map(domains.find)).count == 1 else { continue }
                ends[network, default: []].append(
                    End(node: node, link: link, home: domains.find(first), own: first, layout: members.nodes[index].layout))
            }
        }
        let expected = Set(profile.expectedFailure?.unreachable ?? [])
        for network in profile.networks {
            let ends = ends[network.name] ?? []
            if expected.contains(network.name) { stillConnected(network.name, ends) } else { together(network.name, ends) }
            dhcp(network.name, ends)
        }
    }

    /// The legs of a bond must come out in one place, or a failover changes whom the node reaches.
    private mutating func bonds(_ plan: NetworkPlan, _ domains: NetworkPlan.Domains) {
        for layout in members.layouts {
            guard let index = layout.nodes.first, plan.nodes.indices.contains(index) else { continue }
            let node = plan.nodes[index]
            for bond in layout.bonds {
                var tags: [Int?] = layout.vlans.filter { $0.parent == bond.name }.map(\.id)
                if bond.addressing != .none || tags.isEmpty { tags.append(nil) }
                let legs = bond.legs.compactMap { leg in node.cards.first { $0.link.name == leg } }
                for tag in tags {
                    let homes = legs.map { leg -> NetworkPlan.Domain? in
                        let vlan = tag ?? leg.card.vlans.untagged
                        return vlan.map { domains.find(NetworkPlan.Domain(segment: leg.card.port.segment, vlan: $0)) }
                    }
                    guard let other = homes.firstIndex(where: { $0 != homes.first }) else { continue }
                    split(layout, bond, tag, legs[0].link.name, legs[0].card, legs[other].link.name, legs[other].card)
                }
            }
        }
    }

    private mutating func split(
        _ layout: ProfileMembers.Layout, _ bond: NetworkProfile.Bond, _ tag: Int?, _ first: String, _ card: LinkPlan.Card, _ second: String,
        _ other: LinkPlan.Card
    ) {
        let interface = layout.interface(bond)
        let what = tag.map { "VLAN \($0)" } ?? "frames without a tag"
        if tag == nil, card.vlans.untagged != other.vlans.untagged, card.port.segment == other.port.segment {
            report(
                "\(interface.path).legs", "the legs of \(interface.title) put \(what) into different VLANs",
                why: "\(first): \(card.vlans.untagged.text), \(second): \(other.vlans.untagged.text)",
                remedy: "give both ports the same VLANs")
            return
        }
        report(
            "\(interface.path).legs", "the legs of \(interface.title) come out in different networks for \(what)",
            why:
                "\(first) is on switch \(card.port.segment), \(second) on switch \(other.port.segment), and \(bridge(card.port.segment, other.port.segment, tag ?? 0)): "
                + "after a failover the node no longer reaches the same peers",
            remedy: fix(card.port.segment, other.port.segment, tag ?? 0))
    }

    /// All interfaces in a network must be in one broadcast domain.
    private mutating func together(_ network: String, _ ends: [End]) {
        var places: [NetworkPlan.Domain: Int] = [:]
        var groups: [[End]] = []
        for end in ends {
            if let place = places[end.home] {
                groups[place].append(end)
            } else {
                places[end.home] = groups.count
                groups.append([end])
            }
        }
        guard groups.count > 1, let first = groups[0].first, let second = groups[1].first else { return }
        let names = groups.prefix(3).map { NearName.list($0.map(\.node.name), limit: 3) }
        let parts = names.joined(separator: " | ") + (groups.count > 3 ? " | and \(groups.count - 3) more" : "")
        let what = "network \(network) falls into \(groups.count) parts that do not reach each other: \(parts)"
        let seen = "\(first.node.name) \(first.link.name) is in \(first.place), \(second.node.name) \(second.link.name) in \(second.place)"
        let excuse = "or name \(network) in expectedFailure"
        let layout = members.layouts[second.layout]
        if first.own.vlan == second.own.vlan {
            let (one, other) = (first.own.segment, second.own.segment)
            let path = missing(one, other, second.own.vlan).map { "trunks.\($0).vlans" } ?? "networks.\(network)"
            report(
                path, what, why: "\(seen), and \(bridge(one, other, second.own.vlan))",
                remedy: "\(fix(one, other, second.own.vlan)), \(excuse)")
        } else {
            let key = second.link.isVLAN ? "id" : "network"
            let path = layout.all.first { $0.name == second.link.name }?.path ?? "networks.\(network)"
            report("\(path).\(key)", what, why: seen, remedy: "put them into the same VLAN, \(excuse)")
        }
    }

    /// A network that is meant to be broken has no two nodes that reach each other.
    private mutating func stillConnected(_ network: String, _ ends: [End]) {
        var firsts: [NetworkPlan.Domain: End] = [:]
        let index = profile.expectedFailure?.unreachable.firstIndex(of: network) ?? 0
        let path = "expectedFailure.unreachable[\(index)]"
        for end in ends {
            guard let other = firsts[end.home] else {
                firsts[end.home] = end
                continue
            }
            guard other.node.name != end.node.name else { continue }
            report(
                path, "network \(network) is expected to fail, but \(other.node.name) reaches \(end.node.name)",
                why: "\(other.node.name) \(other.link.name) and \(end.node.name) \(end.link.name) are both in \(end.place)",
                remedy: "remove \(network) from 'unreachable', or separate the nodes")
            return
        }
        guard Set(ends.map(\.node.name)).count < 2 else { return }
        report(
            path, "network \(network) is expected to fail, but \(ends.isEmpty ? "no node is" : "only \(ends[0].node.name) is") in it",
            why: "nothing could reach anything there", remedy: "remove it from 'unreachable'")
    }

    private mutating func dhcp(_ network: String, _ ends: [End]) {
        guard let server = ends.first(where: { members.service($0.node.name)?.dhcp.network == network }) else { return }
        for end in ends where end.link.dhcp && end.home != server.home {
            guard let interface = members.layouts[end.layout].all.first(where: { $0.name == end.link.name }) else { continue }
            report(
                "\(interface.path).dhcp", "\(interface.title) asks by DHCP where service \(server.node.name) does not hear it",
                why: "it is in \(end.place), the service in \(server.place)", remedy: "put both into the same VLAN, or remove 'dhcp'")
        }
    }

    /// What the profile is meant to break is there.
    mutating func expectedFailure() {
        guard let failure = profile.expectedFailure else { return }
        if failure.unreachable.isEmpty {
            report(
                "expectedFailure.unreachable", "expectedFailure names no network", why: "nothing is expected to fail then",
                remedy: "remove it")
        }
        let known = profile.networks.map(\.name)
        var seen: Set<String> = []
        for (index, network) in failure.unreachable.enumerated() {
            let path = "expectedFailure.unreachable[\(index)]"
            if !known.contains(network) {
                unknown(path, "expectedFailure names the unknown network '\(network)'", network, in: known, of: "network")
            }
            if !seen.insert(network).inserted { report(path, "expectedFailure names network \(network) twice", remedy: "name it once") }
        }
    }
}
