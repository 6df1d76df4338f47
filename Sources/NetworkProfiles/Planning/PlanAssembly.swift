import LabEvents

/// Makes a plan of a profile and some of its nodes. What the profile names and does not have is left out; the check finds it.
struct PlanAssembly {
    private let profile: NetworkProfile
    private let networks: [String: NetworkProfile.IPNetwork]
    private var ports: [String: PortBook] = [:]
    private var addresses: AddressBook

    init(_ profile: NetworkProfile, lab: String) {
        self.profile = profile
        networks = Dictionary(profile.networks.map { ($0.name, $0) }) { first, _ in first }
        addresses = AddressBook(lab: lab)
        for name in profile.segments { ports[name] = PortBook() }
    }

    /// The plan of these nodes, in this order.
    mutating func plan(_ members: ProfileMembers, _ chosen: [ProfileMembers.Member]) -> NetworkPlan {
        // What is fixed comes first, so that nothing that is chosen here takes its place.
        for member in chosen {
            for nic in members.layouts[member.layout].nics {
                if let number = nic.portNumber { ports[nic.segment]?.keep(number) }
                if let mac = nic.mac.flatMap({ MACAddress($0) }) { addresses.keep(mac) }
            }
        }
        var nodes: [NodeNetwork] = []
        for member in chosen {
            _ = addresses.next(node: member.name, interface: "eth0")
            let links = links(members.layouts[member.layout], member)
            nodes.append(NodeNetwork(name: member.name, role: member.role, host: member.host, links: links))
        }
        let trunks = trunks()
        for (index, member) in chosen.enumerated() where member.service != nil {
            nodes[index].service = member.service.flatMap { service($0, on: nodes[index], clients: nodes) }
        }
        let names = Set(chosen.map(\.name))
        return NetworkPlan(
            profile: profile.name, networks: profile.networks,
            segments: profile.segments.enumerated().map { index, name in
                SegmentPlan(name: name, index: index, ports: (ports[name]?.plans ?? []).sorted { $0.number < $1.number })
            },
            trunks: trunks, nodes: nodes,
            impairments: profile.impairments.filter { $0.node.map { names.contains($0) } ?? true }, expectedFailure: profile.expectedFailure
        )
    }

    private mutating func links(_ layout: ProfileMembers.Layout, _ member: ProfileMembers.Member) -> [LinkPlan] {
        var bondOfLeg: [String: NetworkProfile.Bond] = [:]
        for bond in layout.bonds { for leg in bond.legs { bondOfLeg[leg] = bond } }
        var links: [LinkPlan] = []
        var places: [String: Int] = [:]
        func add(_ link: LinkPlan) {
            places[link.name] = links.count
            links.append(link)
        }
        for nic in layout.nics {
            let derived = nic.mac == nil ? addresses.next(node: member.name, interface: nic.name) : nil
            guard let mac = nic.mac.flatMap({ MACAddress($0) }) ?? derived,
                let number = ports[nic.segment]?.take(nic.portNumber, .nic(node: member.name, interface: nic.name), nic.port)
            else { continue }
            let bond = bondOfLeg[nic.name]
            let isImpaired = profile.impairments.contains { $0.node == member.name && $0.nic == nic.name }
            let card = LinkPlan.Card(
                port: PortReference(segment: nic.segment, number: number), vlans: nic.port, bond: bond?.name,
                cable: isImpaired ? "the profile impairs it" : nil)
            add(link(nic.name, .card(card), mac, nic.mtu ?? bond?.mtu ?? profile.mtu, nic.addressing, member.host))
        }
        for bond in layout.bonds {
            guard let leg = bond.legs.first.flatMap({ places[$0] }).map({ links[$0] }) else { continue }
            add(link(bond.name, .bond(bond), leg.mac, bond.mtu ?? leg.mtu, bond.addressing, member.host))
        }
        for vlan in layout.vlans {
            guard let parent = places[vlan.parent].map({ links[$0] }) else { continue }
            let kind = LinkPlan.Kind.vlan(id: vlan.id, parent: vlan.parent)
            add(link(vlan.name, kind, parent.mac, vlan.mtu ?? parent.mtu, vlan.addressing, member.host))
        }
        return links
    }

    private func link(
        _ name: String, _ kind: LinkPlan.Kind, _ mac: MACAddress, _ mtu: Int, _ addressing: NetworkProfile.Addressing, _ host: Int
    ) -> LinkPlan {
        var link = LinkPlan(name: name, kind: kind, mac: mac, mtu: mtu, network: addressing.network)
        guard let network = addressing.network.flatMap({ networks[$0] }) else { return link }
        switch addressing {
        case .none: break
        case .fixed(_, let fixed): link.addresses = fixed
        case .host, .dhcp: link.addresses = [network.ipv4, network.ipv6].compactMap { $0?.host(host) }
        }
        if case .dhcp = addressing { link.dhcp = true }
        return link
    }

    private mutating func trunks() -> [TrunkPlan] {
        var plans: [TrunkPlan] = []
        for trunk in profile.trunks where trunk.segments.count == 2 {
            for (name, carried) in Self.cables(trunk) {
                var ends: [PortReference] = []
                for segment in trunk.segments {
                    guard let number = ports[segment]?.take(nil, .trunk(name), carried) else { continue }
                    ends.append(PortReference(segment: segment, number: number))
                }
                guard ends.count == 2 else { continue }
                plans.append(TrunkPlan(name: name, index: plans.count, first: ends[0], second: ends[1], vlans: carried))
            }
        }
        return plans
    }

    /// The cables of a trunk: one, or two where frames without a tag pass besides VLANs. A switch takes the outer tag off a frame that leaves without one,
    /// so on one cable a sender of the plain network could choose a VLAN by a second tag.
    private static func cables(_ trunk: NetworkProfile.Trunk) -> [(name: String, carried: PortVLANs)] {
        var cables: [(String, PortVLANs)] = []
        if !trunk.vlans.isEmpty { cables.append((trunk.name, PortVLANs(untagged: nil, tagged: trunk.vlans))) }
        if trunk.untagged { cables.append((trunk.vlans.isEmpty ? trunk.name : "\(trunk.name)-plain", PortVLANs(untagged: 0))) }
        return cables
    }

    private func service(_ service: NetworkProfile.Service, on node: NodeNetwork, clients: [NodeNetwork]) -> ServicePlan? {
        let network = service.dhcp.network
        guard let link = node.links.first(where: { $0.network == network }), let prefix = networks[network]?.ipv4,
            let start = prefix.host(service.dhcp.pool.lowerBound), let end = prefix.host(service.dhcp.pool.upperBound)
        else { return nil }
        var reservations: [ServicePlan.Reservation] = []
        for client in clients {
            for link in client.links where link.dhcp && link.network == network {
                guard let address = link.addresses.first(where: { !$0.isIPv6 }) else { continue }
                reservations.append(ServicePlan.Reservation(node: client.name, mac: link.mac, address: address))
            }
        }
        return ServicePlan(
            image: service.image ?? ServicePlan.image, memoryMiB: service.memoryMiB, vcpus: service.vcpus, interface: link.name,
            poolStart: start, poolEnd: end, leaseSeconds: service.dhcp.leaseSeconds, reservations: reservations)
    }
}

extension NetworkProfile.Impairment {
    /// The node of `NODE.NIC`; nil for a trunk.
    var node: String? { link.split(separator: ".", maxSplits: 1).count == 2 ? link.split(separator: ".").first.map(String.init) : nil }
    /// The network card of `NODE.NIC`; nil for a trunk.
    var nic: String? { node.map { String(link.dropFirst($0.count + 1)) } }
}
