import LabEvents
import NetworkProfiles

/// An interface that a capture watches.
enum CaptureSource: Sendable, Hashable, Codable {
    /// A network card, by its place among its node's.
    case card(node: String, index: Int, name: String)
    /// The cable of a trunk.
    case trunk(String)

    /// What the file calls it.
    var name: String {
        switch self {
        case .card(let node, _, let name): "\(node).\(name)"
        case .trunk(let name): name
        }
    }
}

extension Lab {
    /// The interfaces that words mean: a card, a bond (its legs), a segment (all its cards), a trunk, a node (all its cards).
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists what there is.
    func captureSources(_ words: [String]) throws(Problem) -> [CaptureSource] {
        var found: [CaptureSource] = []
        for word in words { for source in try captureSources(word) where !found.contains(source) { found.append(source) } }
        guard found.isEmpty else { return found }
        throw Problem(.invalidInput, "nothing is to be captured", remedy: "name a card (NODE.CARD), a bond, a segment, a trunk or a node")
    }

    private func captureSources(_ word: String) throws(Problem) -> [CaptureSource] {
        let all = nodes.flatMap { node in
            node.plan.interfaces.enumerated().compactMap { index, interface in
                interface.port.map { (CaptureSource.card(node: node.name, index: index, name: interface.name), $0.segment, node) }
            }
        }
        if let card = all.first(where: { $0.0.name == word }) { return [card.0] }
        let bonds = nodes.flatMap { node in
            (node.network?.cards ?? []).compactMap { link, card in card.bond.map { ("\(node.name).\($0)", "\(node.name).\(link.name)") } }
        }
        let legs = bonds.filter { $0.0 == word }.map(\.1)
        if !legs.isEmpty { return all.filter { legs.contains($0.0.name) }.map(\.0) }
        if segments.contains(where: { $0.name == word }) { return all.filter { $0.1 == word }.map(\.0) }
        let trunks = (plan.network?.trunks ?? []).map(\.name)
        if trunks.contains(word) {
            guard cables.contains(where: { $0.name == word }) else {
                throw Problem(
                    .invalidInput, "the trunk '\(word)' cannot be captured", why: "it has no network card, and no cable in this lab",
                    remedy: "start the lab with --cables, or capture one of its segments")
            }
            return [.trunk(word)]
        }
        let own = all.filter { $0.2.name == word }.map(\.0)
        guard own.isEmpty else { return own }
        var known = ["cards \(all.map(\.0.name).joined(separator: ", "))"]
        if !bonds.isEmpty { known.append("bonds \(Set(bonds.map(\.0)).sorted().joined(separator: ", "))") }
        known.append("segments \(segments.map(\.name).joined(separator: ", "))")
        if !trunks.isEmpty { known.append("trunks \(trunks.joined(separator: ", "))") }
        throw Problem(
            .invalidInput, "there is nothing called '\(word)' to capture", why: "the lab has " + known.joined(separator: "; "),
            remedy: "name one of these, or a node for all its cards")
    }
}
