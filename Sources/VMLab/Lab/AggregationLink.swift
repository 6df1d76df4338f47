public import LabEvents
public import NetworkProfiles
import Synchronization
public import VDE

/// The link aggregation that is the LACP partner of a node's bond, between the bond's legs and one port of their switch.
public final class AggregationLink: Sendable {
    /// `NODE.BOND`.
    public let name: String
    /// The bond.
    public let bond: NetworkProfile.Bond
    let node: Node
    private let current = Mutex<LinkAggregation?>(nil)

    init(_ node: Node, _ bond: NetworkProfile.Bond) {
        (self.node, self.bond) = (node, bond)
        name = "\(node.name).\(bond.name)"
    }

    /// All link aggregations of a lab.
    static func all(_ nodes: [Node]) -> [AggregationLink] {
        nodes.flatMap { node in (node.network?.aggregations ?? []).map { AggregationLink(node, $0) } }
    }

    /// The link aggregation.
    ///
    /// - Throws: a ``Problem`` when the lab has ended.
    public func aggregation() throws(Problem) -> LinkAggregation {
        guard let found = current.withLock({ $0 }) else { throw Problem(.failure, "the link aggregation of \(name) is gone") }
        return found
    }

    /// What LACP has come to at this end, leg by leg, in words for an error.
    public var summary: String {
        guard let status = try? aggregation().status else { return "\(name): its link aggregation is gone" }
        let legs = zip(bond.legs, status.legs).map { leg, seen in
            "\(leg) \(seen.hasCarrier ? "" : "without carrier, ")\(seen.port.receive.rawValue) and \(seen.port.mux.rawValue), "
                + "port states \(seen.port.actor.state.rawValue) and \(seen.port.partner.state.rawValue), "
                + "\(seen.counters.lacpReceived) LACPDUs came and \(seen.counters.lacpSent) were sent"
        }
        let ends = (status.hasSwitch ? [] : ["its switch is gone"]) + [status.partner.map { "partner \($0.address)" } ?? "no partner"]
        return "\(name), as its link aggregation sees it: \((ends + legs).joined(separator: "; "))"
    }

    /// Takes a leg its carrier, or gives it back; nothing happens when the card is no leg.
    func setCarrier(_ card: String, _ hasCarrier: Bool) throws(Problem) {
        guard let leg = bond.legs.firstIndex(of: card) else { return }
        try aggregation().setCarrier(leg, hasCarrier)
    }

    /// Joins the legs to the port for the time of `body`.
    func with<Result: Sendable>(_ context: LabContext, _ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        var legs: [LinkEnd] = []
        var port: LinkEnd?
        for (index, interface) in node.plan.interfaces.enumerated() where bond.legs.contains(interface.name) {
            let sockets = context.folders.files(of: node.plan).card(index)
            let isCabled = interface.joints.contains(.cable)
            legs.append(isCabled ? sockets.aggregated : .guest(local: sockets.host, remote: sockets.guest))
            guard port == nil, let place = interface.port else { continue }
            port = .segment(SegmentPlan.socket(index: place.segmentIndex, in: context.folders), port: place.number)
        }
        guard let port else { throw Problem(.failure, "the bond \(name) has no leg at a switch") }
        return try await withLinkAggregation(
            name, legs: legs, port: port, system: system(context), rate: bond.lacpRate == .fast ? .fast : .slow, seed: context.plan.seed,
            openLimit: .seconds(5) * max(1, context.pace)
        ) { aggregation in
            current.withLock { $0 = aggregation }
            defer { current.withLock { $0 = nil } }
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask {
                    for await change in aggregation.changes { await self.follow(change, context) }
                    if let problem = aggregation.problem { context.fail(problem) }
                }
                return try await body()
            }
        }
    }

    /// Tells what LACP came to, and gives the legs a carrier as long as their switch is there.
    private func follow(_ change: LinkAggregationChange, _ context: LabContext) async {
        switch change {
        case .port(let port) where port == .switchGone || port == .reconnected:
            let isThere = port == .reconnected
            context.events.message(
                "link aggregation \(name): its switch is \(isThere ? "back" : "gone")", node: node.name,
                severity: isThere ? .info : .warning)
            for (index, interface) in node.plan.interfaces.enumerated() where bond.legs.contains(interface.name) {
                // A machine that is gone has no carrier to lose.
                _ = try? await node.setCarrier(index, isThere, .noSwitch)
            }
        case .partner(let partner):
            context.events.message(
                "link aggregation \(name): partner \(partner.map { "\($0.address)" } ?? "none")", node: node.name, severity: .debug)
        default: break
        }
    }

    /// An address that no card of the lab has; the same in every run of the scenario.
    private func system(_ context: LabContext) -> MACAddress {
        var addresses = AddressBook(lab: context.plan.scenario)
        for interface in context.plan.nodes.flatMap(\.interfaces) { addresses.keep(interface.mac) }
        return addresses.next(node: name, interface: "partner")
    }
}

extension CardSockets {
    /// The end of a link aggregation where the leg has a cable too.
    var aggregated: LinkEnd { .guest(local: legs + ".l", remote: legs + ".c") }
    /// The end of that cable.
    var cabled: LinkEnd { .guest(local: legs + ".c", remote: legs + ".l") }
}
