import FoundationEssentials
public import LabEvents
import NetworkProfiles
import Synchronization
public import VDE

/// A cable of a lab: between a network card and its switch, or between two switches.
public final class CableLink: Sendable {
    /// `NODE.CARD`, or the name of a trunk.
    public let name: String
    /// What it joins, in words: the first end, then the second.
    let endNames: [String]
    /// Why there is a cable.
    let reason: String
    /// What is done to its frames by the plan.
    let impairments: Impairments
    private let ends: @Sendable (LabFolders) -> (first: LinkEnd, second: LinkEnd)
    private let onSwitch: (@Sendable (Bool) async -> Void)?
    private let current = Mutex<Cable?>(nil)
    /// What was asked for besides the plan, the latest last.
    private let asked = Mutex<[(key: UUID, direction: LinkDirection, impairments: Impairments)]>([])
    /// What the owner before counted.
    private let earlier = Mutex<CableCounters?>(nil)

    /// The cable of a network card, which is `card` in the network's plan. Its first end is the guest's, the second that of its switch or link aggregation.
    ///
    /// - Parameter onSwitch: called when the switch goes or comes back.
    init(
        _ node: NodePlan, _ interface: InterfacePlan, _ card: LinkPlan.Card?, index: Int, impairments: Impairments,
        onSwitch: @escaping @Sendable (Bool) async -> Void
    ) {
        self.onSwitch = onSwitch
        name = "\(node.name).\(interface.name)"
        reason = card?.cable ?? "a fault or an impairment may need it"
        let port = interface.port.map { "\($0.segment) \($0.number)" } ?? "nothing"
        endNames = [name, interface.joints.contains(.aggregation) ? "the legs of \(node.name).\(card?.bond ?? "a bond")" : port]
        self.impairments = impairments
        ends = { folders in
            let sockets = folders.files(of: node).card(index)
            let far: LinkEnd =
                if let port = interface.port, !interface.joints.contains(.aggregation) {
                    .segment(SegmentPlan.socket(index: port.segmentIndex, in: folders), port: port.number)
                } else {
                    sockets.cabled
                }
            return (.guest(local: sockets.host, remote: sockets.guest), far)
        }
    }

    /// The cable of a trunk.
    init(_ trunk: TrunkPlan, segments: [SegmentPlan], impairments: Impairments) {
        onSwitch = nil
        name = trunk.name
        reason = "trunks are cables"
        endNames = [trunk.first, trunk.second].map(\.description)
        self.impairments = impairments
        ends = { folders in
            func end(_ port: PortReference) -> LinkEnd {
                let index = segments.first { $0.name == port.segment }?.index ?? 0
                return .segment(SegmentPlan.socket(index: index, in: folders), port: port.number)
            }
            return (end(trunk.first), end(trunk.second))
        }
    }

    /// All cables of a lab.
    static func all(_ plan: LabPlan, nodes: [Node]) -> [CableLink] {
        let impairments = Dictionary((plan.network?.impairments ?? []).map { ($0.link, $0) }) { first, _ in first }
        let trunks = (plan.network?.trunks ?? []).map { trunk in
            CableLink(trunk, segments: plan.segments, impairments: Impairments(impairments[trunk.name]))
        }
        return trunks
            + nodes.flatMap { node in
                node.plan.interfaces.enumerated().filter { $0.element.joints.contains(.cable) }.map { index, interface in
                    CableLink(
                        node.plan, interface, node.network?.cards.first { $0.link.name == interface.name }?.card, index: index,
                        impairments: Impairments(impairments["\(node.name).\(interface.name)"])
                    ) { isThere in
                        // A machine that is gone has no carrier to lose.
                        _ = try? await node.setCarrier(index, isThere, .noSwitch)
                    }
                }
            }
    }

    /// The cable.
    ///
    /// - Throws: a ``Problem`` when the lab has ended.
    public func cable() throws(Problem) -> Cable {
        guard let found = current.withLock({ $0 }) else { throw Problem(.failure, "the cable \(name) is gone") }
        return found
    }

    /// What became of all frames since the lab began, whoever owned it.
    ///
    /// - Throws: a ``Problem`` when the lab has ended.
    public func counters() throws(Problem) -> CableCounters {
        let counters = try cable().counters
        return earlier.withLock { $0 }?.followed(by: counters) ?? counters
    }

    /// Counts on from what the owner before counted.
    func take(_ counters: CableCounters) { earlier.withLock { $0 = counters } }

    /// What a direction is to do: what was asked for last and not taken back, else the plan's.
    func wanted(_ direction: LinkDirection) -> Impairments {
        asked.withLock { $0.last { $0.direction == direction }?.impairments } ?? impairments
    }

    /// Impairs a direction, over what others asked for, or takes back what was asked for with a key.
    func impair(_ direction: LinkDirection, _ impairments: Impairments?, _ key: UUID) throws(Problem) {
        asked.withLock { asked in
            asked.removeAll { $0.key == key && $0.direction == direction }
            if let impairments { asked.append((key, direction, impairments)) }
        }
        // What goes on as it was keeps its count of frames.
        if try cable().impairments(direction) != wanted(direction) { try cable().impair(direction, wanted(direction)) }
    }

    /// Joins the ends for the time of `body`.
    func with<Result: Sendable>(_ context: LabContext, _ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let (first, second) = ends(context.folders)
        return try await withCable(
            name, from: first, to: second, seed: context.plan.seed, openLimit: .seconds(5) * max(1, context.pace)
        ) { cable in
            for direction in LinkDirection.allCases { try cable.impair(direction, impairments) }
            current.withLock { $0 = cable }
            defer { current.withLock { $0 = nil } }
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask { for await change in cable.changes { await self.follow(change, context) } }
                return try await body()
            }
        }
    }
}

extension CableLink {
    /// Tells what happens to the far end, and gives the card a carrier as long as its switch is there.
    private func follow(_ change: CableChange, _ context: LabContext) async {
        guard change.change == .switchGone || change.change == .reconnected else { return }
        let isThere = change.change == .reconnected
        context.events.message(
            "cable \(name): the switch at its \(change.side) end is \(isThere ? "back" : "gone")", severity: isThere ? .info : .warning)
        if change.side == .second { await onSwitch?(isThere) }
    }
}

extension Impairments {
    /// What a profile asks for: milliseconds, percent and Mbit/s there. Nothing is impaired where it asks for nothing.
    init(_ profile: NetworkProfile.Impairment?) {
        self.init(
            delay: .seconds((profile?.delay ?? 0) / 1000), jitter: .seconds((profile?.jitter ?? 0) / 1000),
            loss: (profile?.loss ?? 0) / 100, duplication: (profile?.duplicate ?? 0) / 100,
            rate: (profile?.bandwidth).map { Rate(bitsPerSecond: Int($0 * 1_000_000)) })
    }
}
