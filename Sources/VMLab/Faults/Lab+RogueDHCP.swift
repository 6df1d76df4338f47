import LabEvents
import NetworkProfiles
import VDE

/// A DHCP server that nobody wants: it answers every client of a network, with the addresses from 201 on.
private struct RogueServer: Sendable {
    let folder: String
    /// The switch port of the server, and that of the client that tries it.
    let ports: (server: Int, client: Int)
    let prefix: IPPrefix
    let addresses: (server: MACAddress, client: MACAddress)
    let openLimit: Duration

    var identity: [UInt8] { prefix.host(250)?.bytes ?? prefix.bytes }

    func serve() async throws {
        try await withHostPort(switchFolder: folder, port: ports.server, description: "rogue DHCP server", openLimit: openLimit) { port in
            var given: [MACAddress: Int] = [:]
            for try await frame in port.frames {
                guard let asked = DHCPMessage(frame), asked.kind == .discover || asked.kind == .request else { continue }
                if asked.kind == .request, let meant = asked.server, meant != identity { continue }
                let number = given[asked.client] ?? 201 + given.count % 40
                given[asked.client] = number
                guard let address = prefix.host(number) else { continue }
                let answer = DHCPMessage(
                    kind: asked.kind == .discover ? .offer : .acknowledge, transaction: asked.transaction, client: asked.client,
                    address: address.bytes, server: identity, leaseSeconds: 120, mask: prefix.maskBytes)
                try await port.send(answer.frame(from: addresses.server))
            }
        }
    }

    /// Whether the server answers a client that asks once.
    ///
    /// - Parameter limit: how long an answer may take.
    func answers(within limit: Duration) async throws -> Bool {
        try await withHostPort(switchFolder: folder, port: ports.client, description: "DHCP client", openLimit: openLimit) { port in
            let question = DHCPMessage(kind: .discover, transaction: .random(in: 1 ... .max), client: addresses.client)
            try await port.send(question.frame(from: addresses.client))
            return try await withThrowingTaskGroup(of: Bool.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    for try await frame in port.frames {
                        if let offer = DHCPMessage(frame), offer.kind == .offer, offer.transaction == question.transaction,
                            offer.server == identity
                        {
                            return true
                        }
                    }
                    return false
                }
                group.addTask {
                    try await Task.sleep(for: limit)
                    return false
                }
                return try await group.next() ?? false
            }
        }
    }
}

extension Lab {
    func rogueDHCP(_ network: String) throws(Problem) -> FaultWork {
        guard let known = plan.network?.networks.first(where: { $0.name == network }), let prefix = known.ipv4 else {
            let names = (plan.network?.networks ?? []).filter { $0.ipv4 != nil }.map(\.name).joined(separator: ", ")
            throw Problem(.invalidInput, "there is no IPv4 network '\(network)'", why: "the lab has \(names)")
        }
        guard let (place, vlan) = wire(of: network) else {
            throw Problem(.invalidInput, "no node is in the network \(network)", remedy: "name another")
        }
        let segment = try segment(place)
        let last = segment.plan.switchPorts
        var addresses = AddressBook(lab: plan.scenario)
        for interface in plan.nodes.flatMap(\.interfaces) { addresses.keep(interface.mac) }
        let rogue = RogueServer(
            folder: segment.plan.socket(in: context.folders), ports: (last, last - 1), prefix: prefix,
            addresses: (addresses.next(node: "rogue", interface: "server"), addresses.next(node: "rogue", interface: "client")),
            openLimit: .seconds(5) * max(1, pace))
        var wider = segment.program
        wider.ports += [.init(last, untagged: vlan), .init(last - 1, untagged: vlan)]
        let program = wider
        return FaultWork(
            inject: { try await segment.vdeSwitch().apply(program) },
            course: { try await rogue.serve() },
            observe: {
                let last = LastSeen()
                try await self.budget(.command).run(
                    pace: { self.pace }, waitingFor: "the rogue DHCP server answers", observed: { last.text }
                ) {
                    while try await !rogue.answers(within: .milliseconds(500)) { last.text = "no offer" }
                }
                return "a DISCOVER in \(network) is offered an address by \(rogue.identity.map { "\($0)" }.joined(separator: "."))"
            },
            heal: { try await segment.vdeSwitch().apply(segment.program) },
            confirm: {
                try await segment.check()
                return "the port of the rogue server on \(place) carries nothing"
            })
    }

    /// A segment that carries a network, and the VLAN that it is there; 0 for the plain network.
    private func wire(of network: String) -> (segment: String, vlan: Int)? {
        for node in plan.network?.nodes ?? [] {
            for link in node.links where link.network == network {
                var (current, vlan): (LinkPlan?, Int?) = (link, nil)
                while let found = current {
                    switch found.kind {
                    case .vlan(let id, let parent): (current, vlan) = (node.link(parent), id)
                    case .bond(let bond): current = bond.legs.first.flatMap { node.link($0) }
                    case .card(let card):
                        guard let carried = vlan ?? card.vlans.untagged else { return nil }
                        return (card.port.segment, carried)
                    }
                }
            }
        }
        return nil
    }
}

extension IPPrefix {
    /// The mask of an IPv4 network.
    fileprivate var maskBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: 0xFF00 >> max(0, min(8, length - $0 * 8))) } }
}
