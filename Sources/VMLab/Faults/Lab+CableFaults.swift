import FoundationEssentials
import LabEvents
import NetworkProfiles
import VDE

extension Lab {
    /// The cables of names: cards, bonds (all legs) or trunks.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` for a name that is nothing's, and for a card that is plugged straight into its switch.
    func cables(_ names: [String]) throws(Problem) -> [CableLink] {
        var found: [CableLink] = []
        for name in names {
            if let trunk = cables.first(where: { $0.name == name }) {
                found.append(trunk)
            } else {
                for card in try cards(name) { found.append(try cable(of: card)) }
            }
        }
        return found
    }

    private func cable(of card: LabCard) throws(Problem) -> CableLink {
        if let cable = cables.first(where: { $0.name == card.description }) { return cable }
        throw Problem(
            .invalidInput, "\(card.description) has no cable", why: "it is plugged straight into \(card.plan.port)",
            remedy: "start the lab with --cables, or say `cables: true` in the scenario")
    }

    func impair(_ links: [CableLink], _ direction: LinkDirection?, _ impairments: Impairments) throws(Problem) -> FaultWork {
        try impairments.validate()
        let directions = direction.map { [$0] } ?? LinkDirection.allCases
        let key = UUID()
        @Sendable func set(_ impairments: Impairments?) throws {
            for link in links { for direction in directions { try link.impair(direction, impairments, key) } }
        }
        @Sendable func check(_ wanted: (CableLink, LinkDirection) -> Impairments) throws -> String {
            for link in links {
                for direction in directions where try link.cable().impairments(direction) != wanted(link, direction) {
                    throw Problem(.failure, "the cable \(link.name) does something else than asked for", location: link.name)
                }
            }
            return links.map { "\($0.name): \(wanted($0, directions[0]))" }.joined(separator: "; ")
        }
        return FaultWork(
            inject: { try set(impairments) },
            observe: { try check { _, _ in impairments } },
            heal: { try set(nil) },
            confirm: { try check { $0.wanted($1) } })
    }

    func isolate(_ names: [String]) throws(Problem) -> FaultWork {
        var blocks: [(CableLink, CableBlock)] = []
        for name in names {
            let node = try node(name)
            for card in allCards where card.node.name == node.name { blocks.append((try cable(of: card), .all)) }
        }
        return silence(blocks) { from, to in names.contains(from) != names.contains(to) || names.contains(from) }
    }

    func partition(_ groups: [[String]]) throws(Problem) -> FaultWork {
        var groupOf: [String: Int] = [:]
        for (index, group) in groups.enumerated() {
            for name in group {
                guard groupOf.updateValue(index, forKey: try node(name).name) == nil else {
                    throw Problem(.invalidInput, "\(name) is in two groups", remedy: "name each node once")
                }
            }
        }
        guard groups.count > 1, groups.allSatisfy({ !$0.isEmpty }) else {
            throw Problem(
                .invalidInput, "a partition has at least two groups with nodes in them", remedy: "for example: server-1 server-2,agent-1")
        }
        let group = groupOf
        var blocks: [(CableLink, CableBlock)] = []
        for card in allCards {
            guard let own = group[card.node.name] else { continue }
            let foreign = nodes.filter { other in group[other.name].map { $0 != own } ?? false }
            blocks.append((try cable(of: card), .senders(Set(foreign.flatMap { $0.plan.interfaces.map(\.mac) }))))
        }
        return silence(blocks) { from, to in
            guard let one = group[from], let other = group[to] else { return false }
            return one != other
        }
    }

    /// Blocks cables, and looks at pairs of nodes for what that comes to.
    private func silence(_ blocks: [(CableLink, CableBlock)], _ isAcross: @escaping @Sendable (String, String) -> Bool) -> FaultWork {
        // Faults that overlap do not undo each other.
        let key = UUID()
        return FaultWork(
            inject: { for (link, block) in blocks { try link.cable().block(key, block) } },
            observe: {
                let pairs = self.probes(isAcross)
                let answered = try await self.answers(pairs)
                guard answered.isEmpty else {
                    throw Problem(.failure, "nodes that should be apart still hear each other", why: answered.joined(separator: ", "))
                }
                return Self.words(pairs, "not one answers")
            },
            heal: { for (link, _) in blocks { try link.cable().unblock(key) } },
            confirm: {
                let pairs = self.probes(isAcross)
                // What else is broken may be why a pair does not answer.
                if case let others = self.openFaults.dropFirst(1), !others.isEmpty {
                    let expected = pairs.values.reduce(0) { $0 + $1.count }
                    return "\(try await self.answers(pairs).count) of \(expected) pairs answer, with other faults open"
                }
                let last = LastSeen()
                try await self.budget(.reachability).run(
                    pace: { self.pace }, waitingFor: "nodes that were apart hear each other", observed: { last.text }
                ) {
                    while true {
                        let expected = pairs.values.reduce(0) { $0 + $1.count }
                        let answered = try await self.answers(pairs)
                        if answered.count == expected { return }
                        last.text = "\(answered.count) of \(expected) pairs answer"
                    }
                }
                return Self.words(pairs, "all answer")
            })
    }

    private static func words(_ pairs: [String: [ReachabilityProbe]], _ verdict: String) -> String {
        let count = pairs.values.reduce(0) { $0 + $1.count }
        return count == 0
            ? "frames \(verdict == "all answer" ? "pass" : "are dropped"); no node there could be asked"
            : "\(count) pairs tried, \(verdict)"
    }

    /// What nodes that obey can try: pairs that the plan connects.
    private func probes(_ isAcross: (String, String) -> Bool) -> [String: [ReachabilityProbe]] {
        guard let network = plan.network else { return [:] }
        let on = Set(nodes.filter { $0.state == .ready }.map(\.name))
        return ReachabilityProbe.all(network, nodes: on).compactMapValues { own in
            let chosen = own.filter { $0.pair.isConnected && isAcross($0.pair.from, $0.pair.to) }
            return chosen.isEmpty ? nil : chosen
        }
    }

    /// The pairs that answered.
    private func answers(_ probes: [String: [ReachabilityProbe]]) async throws -> [String] {
        try await find(probes, port: 10250).filter { ReachabilityProbe.isContact($0.value) }.map {
            "\($0.key.pair.from) → \($0.key.address.address)"
        }
    }
}
