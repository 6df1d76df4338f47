import GuestShell
import LabEvents
import NetworkProfiles
import Synchronization
import VDE

/// One network card of a lab.
struct LabCard: Sendable {
    let node: Node
    let name: String
    /// Its place among the node's cards, from 0.
    let index: Int
    let plan: LinkPlan.Card

    /// Whether something of the harness is between the card and its switch.
    var isJoined: Bool { !node.plan.interfaces[index].joints.isEmpty }

    var description: String { "\(node.name).\(name)" }

    /// Plugs or pulls the cable, as the guest sees it and for the frames.
    ///
    /// - Parameter key: whose doing it is: what others have pulled stays so.
    func plug(_ isPlugged: Bool, _ key: String, in lab: Lab) async throws {
        let isPlugged = try await node.setCarrier(index, isPlugged, .unplugged(key: key))
        try lab.cables.first { $0.name == description }?.cable().setPassing(isPlugged)
        for aggregation in lab.aggregations where aggregation.node.name == node.name { try aggregation.setCarrier(name, isPlugged) }
    }

    /// How many times the carrier came or went, as the guest counts; nil when it does not obey.
    func carrierChanges() async throws -> Int? {
        guard node.state == .ready else { return nil }
        return Int(try await node.run("cat /sys/class/net/\(name)/carrier_changes").stdout.trimmed)
    }

    /// Waits until the guest sees the carrier, unless something else still keeps it from the card.
    func waitForPlug() async throws -> String {
        let others = node.mutable.withLock { $0.carrierLosses[index] ?? [] }
        return others.isEmpty ? try await waitForCarrier(true) : "\(description): still without carrier, for another reason"
    }

    /// Waits until the guest sees the carrier, or does not. A guest that does not obey cannot be asked.
    func waitForCarrier(_ isUp: Bool) async throws -> String {
        guard node.state == .ready else { return "\(description): QEMU was told; \(node.name) is \(node.state.rawValue)" }
        let last = LastSeen()
        let path = "/sys/class/net/\(name)/carrier"
        try await node.poll(.command, waitingFor: "\(description) \(isUp ? "has" : "loses") its carrier", observed: { last.text }) {
            // An interface that is down has no readable carrier, and flags without IFF_UP (1).
            let seen = try await node.run("read -r vf </sys/class/net/\(name)/flags; echo $vf $(cat \(path) 2>/dev/null)").stdout.trimmed
            last.text = "flags and carrier: \(seen)"
            let words = seen.split(separator: " ")
            let isEnabled = words.first.flatMap { Int($0.dropFirst(2), radix: 16) }.map { $0 & 1 == 1 } ?? false
            return isUp && !isEnabled || (words.count == 2 && words[1] == "1") == isUp
        }
        return "\(description): carrier \(isUp ? 1 : 0)"
    }
}

extension Lab {
    /// The card of a name.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the cards.
    func card(_ name: String) throws(Problem) -> LabCard {
        let found = try cards(name)
        guard let card = found.first, found.count == 1 else {
            throw Problem(
                .invalidInput, "'\(name)' is \(found.count) network cards", why: found.map(\.description).joined(separator: ", "),
                remedy: "name one of them")
        }
        return card
    }

    /// The card of a name, or the legs of a bond.
    func cards(_ name: String) throws(Problem) -> [LabCard] {
        let all = allCards
        if let card = all.first(where: { $0.description == name }) { return [card] }
        let legs = all.filter { card in card.plan.bond.map { "\(card.node.name).\($0)" == name } ?? false }
        guard legs.isEmpty else { return legs }
        throw Problem(
            .invalidInput, "there is no network card '\(name)'",
            why: "the lab has \(all.map(\.description).joined(separator: ", "))", remedy: "NODE.CARD, or NODE.BOND for all its legs")
    }

    /// The cards of several names.
    func cards(_ names: [String]) throws(Problem) -> [LabCard] {
        var found: [LabCard] = []
        for name in names { found += try cards(name) }
        return found
    }

    /// Every card that is on a segment.
    var allCards: [LabCard] {
        nodes.flatMap { node in
            (node.network?.cards ?? []).compactMap { link, card in
                guard let index = node.plan.interfaces.firstIndex(where: { $0.name == link.name }) else { return nil }
                return LabCard(node: node, name: link.name, index: index, plan: card)
            }
        }
    }

    /// The segment of a name.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the segments.
    func segment(_ name: String) throws(Problem) -> Segment {
        if let segment = segments.first(where: { $0.name == name }) { return segment }
        throw Problem(.invalidInput, "there is no segment '\(name)'", why: "the lab has \(segments.map(\.name).joined(separator: ", "))")
    }
}
