import Foundation
import LabEvents

@testable import VDE

extension MACAddress {
    /// 02:00:00:00:00:XX.
    static func numbered(_ number: UInt8) -> MACAddress { MACAddress(bytes: [2, 0, 0, 0, 0, number]) }
}

/// SplitMix64: small, seeded, the same everywhere.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    static var cases: Int { ProcessInfo.processInfo.environment["VMLAB_FUZZ_CASES"].flatMap { Int($0) } ?? 20_000 }
    static var seed: UInt64 { ProcessInfo.processInfo.environment["VMLAB_SEED"].flatMap { UInt64($0) } ?? 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// Systems with ports, wires between the ports, and a time of its own: what each says arrives at once, in bytes.
struct LACPSimulation {
    struct End: Hashable {
        var system: Int
        var port: Int
        init(_ system: Int, _ port: Int) { (self.system, self.port) = (system, port) }
    }

    var systems: [LACPAggregator]
    var now = Duration.zero
    /// Who hears what an end says. Silent ends are in none.
    var wires: [End: End] = [:]
    /// When each end sent something.
    var sent: [End: [Duration]] = [:]
    /// Called after every event.
    var check: (LACPSimulation) -> Void = { _ in }
    private var underway: [(to: End, bytes: [UInt8])] = []

    init(_ systems: [[LACPSettings]]) {
        self.systems = systems.map { LACPAggregator($0, at: .zero) }
    }

    /// A LAG and a bond of the same number of legs, all plugged in; the bond as Linux has it.
    static func pair(lag: LACPRate, bond: LACPRate, legs: Int = 2, control: LACPSettings.Control = .independent) -> LACPSimulation {
        var simulation = LACPSimulation([
            system(1, legs: legs, rate: lag, control: control), system(2, legs: legs, rate: bond, control: .coupled),
        ])
        for leg in 0..<legs { simulation.plug(End(0, leg), End(1, leg)) }
        return simulation
    }

    static func system(
        _ number: UInt8, legs: Int, rate: LACPRate, keys: [UInt16] = [], isActive: Bool = true, canAggregate: Bool = true,
        control: LACPSettings.Control = .independent
    ) -> [LACPSettings] {
        (0..<legs).map { leg in
            LACPSettings(
                system: LACPSystem(address: .numbered(number)), key: keys.isEmpty ? 7 : keys[leg], port: UInt16(leg + 1), rate: rate,
                isActive: isActive, canAggregate: canAggregate, control: control)
        }
    }

    func status(_ end: End) -> LACPPortStatus { systems[end.system].ports[end.port].status }

    mutating func plug(_ one: End, _ other: End) {
        wires[one] = other
        wires[other] = one
        for end in [one, other] { handle(.enabled(true), end) }
    }

    /// Takes the carrier from both ends.
    mutating func cut(_ end: End) {
        guard let other = wires.removeValue(forKey: end) else { return }
        wires[other] = nil
        for end in [end, other] { handle(.enabled(false), end) }
    }

    /// Nobody hears the end any more, and the carrier stays.
    mutating func silence(_ end: End) { wires[end] = nil }

    mutating func handle(_ event: LACPPort.Event, _ end: End) {
        take(systems[end.system].handle(event, port: end.port, at: now), of: end.system)
        deliver()
    }

    /// Lets time pass, until a condition holds or the limit is reached.
    ///
    /// - Returns: whether the condition held.
    @discardableResult
    mutating func run(_ limit: Duration, until isDone: (LACPSimulation) -> Bool = { _ in false }) -> Bool {
        let end = now + limit
        while !isDone(self) {
            let next = systems.compactMap(\.nextDeadline).min()
            guard let next, next <= end else {
                now = end
                return isDone(self)
            }
            // A deadline in the past would be a machine that spins.
            precondition(next > now || next == .zero, "deadline \(next) at \(now)")
            now = next
            for system in systems.indices { take(systems[system].handleTime(at: now), of: system) }
            deliver()
        }
        return true
    }

    private mutating func take(_ outputs: [LACPAggregator.Output], of system: Int) {
        for output in outputs {
            guard case .transmit(let unit) = output.action else { continue }
            let end = End(system, output.port)
            sent[end, default: []].append(now)
            if let other = wires[end] { underway.append((other, unit.bytes)) }
        }
    }

    private mutating func deliver() {
        check(self)
        while !underway.isEmpty {
            let letter = underway.removeFirst()
            guard let unit = try? LACPDU(bytes: letter.bytes) else { continue }
            take(systems[letter.to.system].handle(.received(unit), port: letter.to.port, at: now), of: letter.to.system)
            check(self)
        }
    }
}
