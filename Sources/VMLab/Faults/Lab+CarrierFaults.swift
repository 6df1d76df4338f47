import FoundationEssentials
import LabEvents
import Synchronization

extension Lab {
    func cut(_ cards: [LabCard]) throws(Problem) -> FaultWork {
        let key = UUID().uuidString
        return FaultWork(
            inject: { for card in cards { try await card.plug(false, key, in: self) } },
            observe: { try await Self.each(cards) { try await $0.waitForCarrier(false) } },
            heal: { for card in cards { try await card.plug(true, key, in: self) } },
            confirm: { try await Self.each(cards) { try await $0.waitForPlug() } })
    }

    func flap(_ card: LabCard, down: Double, up: Double) throws(Problem) -> FaultWork {
        for seconds in [down, up] where !(0.05...3600).contains(seconds) {
            throw Problem(.invalidInput, "\(card.description) cannot flap every \(seconds) s", why: "0.05 to 3600 s fit")
        }
        let key = UUID().uuidString
        let before = Mutex(0)
        return FaultWork(
            inject: {
                let changes = try await card.carrierChanges() ?? 0
                before.withLock { $0 = changes }
            },
            course: {
                var isUp = true
                while true {
                    isUp.toggle()
                    try await card.plug(isUp, key, in: self)
                    try await Task.sleep(for: .seconds(isUp ? up : down))
                }
            },
            observe: {
                let (last, first) = (LastSeen(), before.withLock { $0 })
                try await card.node.poll(
                    .command, waitingFor: "\(card.description) loses its carrier and gets it back", observed: { last.text }
                ) {
                    guard let changes = try await card.carrierChanges() else { return true }
                    last.text = "\(changes - first) changes"
                    return changes >= first + 2
                }
                return "\(card.description): \(last.text ?? "its node does not obey")"
            },
            heal: { try await card.plug(true, key, in: self) },
            confirm: { try await card.waitForPlug() })
    }

    static func each(_ cards: [LabCard], _ look: (LabCard) async throws -> String) async throws -> String {
        var seen: [String] = []
        for card in cards { seen.append(try await look(card)) }
        return seen.joined(separator: "; ")
    }
}
