import LabEvents

/// Several ports with one aggregator, which is what the legs of a bond and the one switch port behind them are. A value, as ``LACPPort`` is.
///
/// The selection logic (IEEE 802.1AX-2014, 6.4.14): ports belong to the aggregator that have a partner in the same system with the same key.
/// Where the far ends differ, because a leg is plugged into something else, one group of ports has the aggregator and the others stand by: a
/// group that was heard in time before one that expired, then the group that has it already, then the larger one, then that of the lowest
/// port. A port that was never answered is in no group, and one that hears its own system is never used: its
/// link is a loop, which 6.4.14.1 item g keeps out of one aggregator.
struct LACPAggregator: Sendable {
    /// What a port asks for.
    struct Output: Sendable, Hashable {
        var port: Int
        var action: LACPPort.Action
    }

    /// The far ends that may be in one aggregator.
    struct Group: Sendable, Hashable {
        var system: LACPSystem
        var key: UInt16
        /// The port that one of the two ends keeps alone.
        var alone: Int?
    }

    private(set) var ports: [LACPPort]
    /// The group that has the aggregator.
    private(set) var group: Group?

    init(_ settings: [LACPSettings], at now: Duration) {
        ports = settings.map { LACPPort($0, at: now) }
    }

    var nextDeadline: Duration? { ports.compactMap(\.nextDeadline).min() }

    /// The ports on which frames may be sent.
    var distributing: [Int] { ports.indices.filter { ports[$0].actor.state.contains(.distributing) } }

    /// Lets time pass for all ports.
    mutating func handleTime(at now: Duration) -> [Output] {
        let outputs = ports.indices.flatMap { deliver(.time, $0, at: now) }
        return outputs + settle(at: now)
    }

    /// Takes what happened at one port.
    mutating func handle(_ event: LACPPort.Event, port: Int, at now: Duration) -> [Output] {
        var outputs = deliver(event, port, at: now)
        if case .received(let unit) = event { outputs += moved(unit, to: port, at: now) }
        return outputs + settle(at: now)
    }

    private mutating func deliver(_ event: LACPPort.Event, _ port: Int, at now: Duration) -> [Output] {
        ports[port].handle(event, at: now).map { Output(port: port, action: $0) }
    }

    /// port_moved (6.4.8): what a disabled port remembers was heard elsewhere.
    private mutating func moved(_ unit: LACPDU, to port: Int, at now: Duration) -> [Output] {
        ports.indices.flatMap { other -> [Output] in
            let partner = ports[other].partner
            guard other != port, ports[other].receive == .portDisabled, partner.system == unit.actor.system, partner.port == unit.actor.port
            else { return [] }
            return deliver(.moved, other, at: now)
        }
    }

    /// Selects, and lets ports into the aggregator when all that wait for it have waited.
    private mutating func settle(at now: Duration) -> [Output] {
        var outputs: [Output] = []
        while true {
            let before = outputs.count
            choose()
            for port in ports.indices where ports[port].selection != selection(of: port) {
                outputs += deliver(.selected(selection(of: port)), port, at: now)
            }
            let waiting = ports.indices.filter { ports[$0].mux == .waiting && ports[$0].selection == .selected }
            if waiting.allSatisfy({ ports[$0].hasWaited }) {
                for port in waiting { outputs += deliver(.ready(true), port, at: now) }
            }
            if outputs.count == before { return outputs }
        }
    }

    private func selection(of port: Int) -> LACPPort.Selection {
        guard let own = group(of: port) else { return .unselected }
        return own == group ? .selected : .standby
    }

    private func group(of port: Int) -> Group? {
        let end = ports[port]
        guard end.hasPartner, end.partner.system != end.actor.system else { return nil }
        let mayAggregate = end.actor.state.contains(.aggregation) && end.partner.state.contains(.aggregation)
        return Group(system: end.partner.system, key: end.partner.key, alone: mayAggregate ? nil : port)
    }

    private mutating func choose() {
        var sizes: [Group: Int] = [:]
        for port in ports.indices { if let group = group(of: port) { sizes[group, default: 0] += 1 } }
        func rank(_ port: Int) -> (Int, Int, Int) {
            let own = group(of: port)
            return (ports[port].receive == .current ? 1 : 0, own == group ? 1 : 0, own.flatMap { sizes[$0] } ?? 0)
        }
        var best: Int?
        for port in ports.indices where group(of: port) != nil {
            if let current = best, rank(port) <= rank(current) { continue }
            best = port
        }
        group = best.flatMap { group(of: $0) }
    }
}
