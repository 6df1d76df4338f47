import LabEvents
import Testing

@testable import VDE

/// A LAG and its partner, which is another instance with other settings, in a time of their own.
@Suite("LACP: two systems", .tier(.unit)) struct LACPPartnerTests {
    typealias End = LACPSimulation.End

    struct Pairing: Sendable {
        var lag: LACPRate
        var bond: LACPRate
        var legs = 2
        var control = LACPSettings.Control.independent
    }

    static let pairings =
        LACPRate.allCases.flatMap { lag in LACPRate.allCases.map { Pairing(lag: lag, bond: $0) } }
        + [Pairing(lag: .fast, bond: .slow, legs: 4), Pairing(lag: .slow, bond: .slow, control: .coupled)]

    private func areUp(_ simulation: LACPSimulation, _ ports: Range<Int>) -> Bool {
        ports.allSatisfy { port in [0, 1].allSatisfy { simulation.status(End($0, port)).isUp } }
    }

    @Test(arguments: pairings) func `all legs come up in one aggregator, and stay`(_ pairing: Pairing) {
        var simulation = LACPSimulation.pair(lag: pairing.lag, bond: pairing.bond, legs: pairing.legs, control: pairing.control)
        #expect(simulation.run(.seconds(5)) { areUp($0, 0..<pairing.legs) })
        #expect(simulation.systems[0].group == LACPAggregator.Group(system: LACPSystem(address: .numbered(2)), key: 7))
        let slow: LACPState = [.activity, .aggregation, .synchronization, .collecting, .distributing]
        let states = [LACPRate.slow: slow, .fast: slow.union(.shortTimeout)]
        for port in 0..<pairing.legs {
            #expect(simulation.status(End(0, port)).actor.state == states[pairing.lag])
            #expect(simulation.status(End(0, port)).partner.state == states[pairing.bond])
            #expect(simulation.status(End(1, port)).partner == simulation.status(End(0, port)).actor)
        }
        #expect([LACPState.activity.union(.aggregation).union([.synchronization, .collecting, .distributing])].first?.rawValue == 61)
        let before = simulation.sent
        let isBroken = simulation.run(.seconds(600)) { !areUp($0, 0..<pairing.legs) }
        #expect(!isBroken)
        // Each is spoken to as often as it asks.
        for (system, listener) in [(0, pairing.bond), (1, pairing.lag)] {
            let count = (simulation.sent[End(system, 0)]?.count ?? 0) - (before[End(system, 0)]?.count ?? 0)
            #expect(listener == .fast ? (599...601).contains(count) : (19...21).contains(count), "\(count) in 600 s")
        }
        #expect(simulation.status(End(0, 0)).actorChurn == .none && simulation.status(End(0, 0)).partnerChurn == .none)
    }

    @Test(arguments: [(LACPRate.fast, 3.0), (.slow, 90.0)])
    func `a partner that goes silent is left when its time is over, and taken again when it speaks`(_ rate: LACPRate, _ limit: Double) {
        var simulation = LACPSimulation.pair(lag: rate, bond: .slow)
        #expect(simulation.run(.seconds(5)) { areUp($0, 0..<2) })
        simulation.silence(End(1, 0))
        // It was heard at most one period before it went silent.
        let begin = simulation.now
        #expect(simulation.run(.seconds(limit)) { !$0.status(End(0, 0)).isCollecting })
        #expect(simulation.now - begin >= .seconds(limit * 2 / 3 - 1))
        #expect(simulation.status(End(0, 0)).receive == .expired && simulation.systems[0].distributing == [1])
        #expect(simulation.run(.seconds(3)) { $0.status(End(0, 0)).receive == .defaulted })
        #expect(!simulation.status(End(0, 0)).isSelected && simulation.status(End(0, 0)).partner == .none)
        #expect(simulation.run(.seconds(60)) { $0.status(End(0, 0)).actorChurn == .churning })
        #expect(simulation.status(End(0, 0)).partnerChurn == .churning && simulation.systems[0].distributing == [1])
        simulation.wires[End(1, 0)] = End(0, 0)
        #expect(simulation.run(.seconds(65)) { areUp($0, 0..<2) })
        #expect(simulation.status(End(0, 0)).actorChurn == .none)
    }

    @Test func `a carrier that is cut takes its leg out at once, and brings it back`() {
        var simulation = LACPSimulation.pair(lag: .slow, bond: .slow)
        #expect(simulation.run(.seconds(5)) { areUp($0, 0..<2) })
        simulation.cut(End(0, 1))
        #expect(simulation.systems[0].distributing == [0] && !simulation.status(End(0, 1)).isCollecting)
        simulation.run(.seconds(300))
        #expect(simulation.systems[0].distributing == [0])
        simulation.plug(End(0, 1), End(1, 1))
        #expect(simulation.run(.seconds(5)) { areUp($0, 0..<2) })
    }

    @Test func `a leg that is moved to another partner stands by, and takes over when nothing else is left`() {
        var simulation = LACPSimulation.pair(lag: .fast, bond: .fast)
        let other = LACPAggregator(LACPSimulation.system(3, legs: 1, rate: .fast), at: .zero)
        simulation.systems.append(other)
        #expect(simulation.run(.seconds(5)) { areUp($0, 0..<2) })
        // The cable is moved while nobody notices a carrier loss.
        simulation.silence(End(0, 1))
        simulation.silence(End(1, 1))
        simulation.plug(End(0, 1), End(2, 0))
        #expect(simulation.run(.seconds(2)) { !$0.status(End(0, 1)).isDistributing })
        let mixed = simulation.run(.seconds(60)) { $0.systems[0].distributing != [0] }
        #expect(!mixed, "a port with another partner was used")
        #expect(simulation.status(End(0, 1)).mux == .waiting && !simulation.status(End(0, 1)).isSelected)
        #expect(!simulation.status(End(2, 0)).isCollecting)
        simulation.cut(End(0, 0))
        #expect(simulation.run(.seconds(5)) { $0.systems[0].distributing == [1] })
        #expect(simulation.systems[0].group?.system.address == .numbered(3))
        // The old partner comes back: the group that works stays.
        simulation.plug(End(0, 0), End(1, 0))
        let isTaken = simulation.run(.seconds(60)) { $0.systems[0].distributing != [1] }
        #expect(!isTaken)
    }

    @Test func `a cable that is plugged from one port into another is not kept at the first`() {
        var simulation = LACPSimulation.pair(lag: .slow, bond: .slow)
        #expect(simulation.run(.seconds(5)) { areUp($0, 0..<2) })
        simulation.cut(End(0, 0))
        simulation.cut(End(0, 1))
        #expect(simulation.status(End(0, 0)).partner.port == 1)
        simulation.plug(End(0, 1), End(1, 0))
        simulation.run(.seconds(2))
        #expect(simulation.status(End(0, 0)).partner == .none && simulation.status(End(0, 0)).receive == .portDisabled)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var name: String
        var bond: [LACPSettings]
        var used: [Int]
        var testDescription: String { name }
    }

    @Test(arguments: [
        Refusal(name: "two keys", bond: LACPSimulation.system(2, legs: 2, rate: .fast, keys: [7, 8]), used: [0]),
        Refusal(
            name: "two systems",
            bond: LACPSimulation.system(2, legs: 1, rate: .fast)
                + [LACPSettings(system: LACPSystem(address: .numbered(9)), key: 7, port: 2, rate: .fast)], used: [0]),
        Refusal(name: "links that stay alone", bond: LACPSimulation.system(2, legs: 2, rate: .fast, canAggregate: false), used: [0]),
        Refusal(name: "one key", bond: LACPSimulation.system(2, legs: 2, rate: .fast, isActive: false), used: [0, 1]),
        Refusal(name: "the system itself", bond: LACPSimulation.system(1, legs: 2, rate: .fast), used: []),
    ]) func `only links to one system with one key are used together`(_ refusal: Refusal) {
        var simulation = LACPSimulation([LACPSimulation.system(1, legs: 2, rate: .fast), refusal.bond])
        for leg in 0..<2 { simulation.plug(End(0, leg), End(1, leg)) }
        simulation.run(.seconds(30))
        #expect(simulation.systems[0].distributing == refusal.used)
    }

    @Test func `whatever happens, links are used by the rules, and come up when it is over`() {
        var random = SeededRandom(state: SeededRandom.seed)
        for round in 0..<max(1, SeededRandom.cases / 1000) {
            var simulation = LACPSimulation.pair(
                lag: LACPRate.allCases.randomElement(using: &random) ?? .fast,
                bond: LACPRate.allCases.randomElement(using: &random) ?? .fast,
                legs: 3, control: Bool.random(using: &random) ? .coupled : .independent)
            var faults: Set<String> = []
            simulation.check = { for fault in Self.faults($0) { faults.insert("\(fault) at \($0.now)") } }
            for _ in 0..<60 { Self.shake(&simulation, &random) }
            simulation.wires = [:]
            for leg in 0..<3 { simulation.plug(End(0, leg), End(1, leg)) }
            #expect(simulation.run(.seconds(100)) { areUp($0, 0..<3) }, "round \(round)")
            for times in simulation.sent.values {
                for (one, fourth) in zip(times, times.dropFirst(3)) where fourth - one < .seconds(1) { faults.insert("sent at \(fourth)") }
            }
            #expect(faults == [], "round \(round)")
        }
    }

    /// Does one thing that may happen to links.
    private static func shake(_ simulation: inout LACPSimulation, _ random: inout SeededRandom) {
        let leg = Int.random(in: 0..<3, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: simulation.cut(End(0, leg))
        case 1: simulation.silence(End(Int.random(in: 0...1, using: &random), leg))
        case 2, 3: simulation.plug(End(0, leg), End(1, leg))
        case 4: simulation.plug(End(0, leg), End(1, Int.random(in: 0..<3, using: &random)))
        default:
            // A unit that makes no sense where it arrives.
            var unit = LACPDU(actor: simulation.status(End(1, leg)).actor, partner: simulation.status(End(0, leg)).actor)
            unit.actor.state = LACPState(rawValue: UInt8.random(in: 0...255, using: &random))
            unit.actor.key = UInt16.random(in: 6...8, using: &random)
            simulation.handle(.received(unit), End(0, leg))
        }
        simulation.run(.milliseconds(Int.random(in: 0...9000, using: &random)))
    }

    /// What may never be seen.
    private static func faults(_ simulation: LACPSimulation) -> [String] {
        var faults: [String] = []
        for (number, system) in simulation.systems.enumerated() {
            let used = system.ports.filter { $0.actor.state.contains(.distributing) || $0.actor.state.contains(.collecting) }
            if Set(used.map { [$0.partner.system.description, String($0.partner.key)] }).count > 1 {
                faults.append("system \(number) mixes partners")
            }
            for port in used where !port.partner.state.contains(.synchronization) || !port.isEnabled || port.selection != .selected {
                faults.append("system \(number) uses port \(port.actor.port) out of sync")
            }
        }
        return faults
    }
}
