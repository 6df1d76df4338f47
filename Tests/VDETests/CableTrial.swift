import Foundation
import LabEvents
import Synchronization

@testable import VDE

/// Two switches, `a` and `b`, a cable between their ports 2, and a host port at port 1 of each.
struct CableBench {
    var folder: SwitchFolder
    var switches: (a: VDESwitch, b: VDESwitch)
    var ports: (a: HostPort, b: HostPort)
    var cable: Cable
    /// What came to `b`.
    let arrivals = Arrivals()

    static func with(
        seed: UInt64 = 1, cable name: String = "c", _ body: (CableBench) async throws -> Void
    ) async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration("a"), options: folder.options) { one in
                try await withVDESwitch(folder.configuration("b"), options: folder.options) { other in
                    try await one.withHostPort(1, frameLimit: 1 << 20) { a in
                        try await other.withHostPort(1, frameLimit: 1 << 20) { b in
                            try await withCable(
                                name, from: .segment("\(folder.path)/a", port: 2), to: .segment("\(folder.path)/b", port: 2), seed: seed
                            ) { cable in
                                try await CableBench(folder: folder, switches: (one, other), ports: (a, b), cable: cable).read(body)
                            }
                        }
                    }
                }
            }
        }
    }

    private func read(_ body: (CableBench) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for try await frame in ports.b.frames { arrivals.add(frame) } }
            try await body(self)
            group.cancelAll()
        }
    }

    /// Sends numbered frames from `a` to `b` through the impaired cable and waits until they are through.
    ///
    /// On a busy host a switch may drop what its sockets do not hold; then it is done again, and the cable decides the same again.
    func run(_ impairments: Impairments = Impairments(), count: Int = 10_000, size: Int = 100) async throws -> CableTrial {
        while true {
            if let trial = try await tryOnce(impairments, count, size) { return trial }
            print("a frame was lost outside of the cable; once more")
        }
    }

    /// - Returns: nil when frames were lost outside of the cable.
    private func tryOnce(_ impairments: Impairments, _ count: Int, _ size: Int) async throws -> CableTrial? {
        try cable.impair(.forward, impairments)
        let before = cable.counters.forward
        var trial = CableTrial(sent: [], arrivals: [], counters: DirectionCounters())
        arrivals.list.withLock { $0 = [] }
        for number in 0..<count {
            trial.sent.append(.now)
            try await ports.a.send(.counted(number, size: size))
            // A unix socket holds ten frames, and switches drop what it does not.
            if number % 8 == 7 || number == count - 1 {
                guard try await isTaken(number + 1, before) else { return nil }
            }
        }
        guard try await isTaken(count, before, all: true) else { return nil }
        trial.arrivals = arrivals.list.withLock { $0 }
        trial.counters = cable.counters.forward.since(before)
        try cable.impair(.forward, Impairments())
        return trial
    }

    /// Waits until the cable has seen all that was sent, and the host port all that the cable let pass.
    ///
    /// - Parameter all: whether nothing may be on its way any more.
    /// - Returns: whether that came; false when nothing has moved for as long as nothing takes.
    private func isTaken(_ sent: Int, _ before: DirectionCounters, all: Bool = false) async throws -> Bool {
        var last: (received: Int, passed: Int, arrived: Int) = (0, 0, 0)
        var still = ContinuousClock.now
        while true {
            let counters = cable.counters.forward.since(before)
            let now = (counters.received.frames, counters.passed.frames, arrivals.list.withLock { $0.count })
            if now.0 >= sent, now.2 >= now.1, !all || counters.waiting.frames == 0 { return true }
            if now != last || counters.waiting.frames > 0 { (last, still) = (now, .now) }
            if ContinuousClock.now - still > .seconds(3) { return false }
            if all { try await Task.sleep(for: .milliseconds(1)) } else { await Task.yield() }
        }
    }
}

/// What became of numbered frames.
struct CableTrial {
    struct Arrival {
        var number: Int
        var time: Nanoseconds
        var bytes: [UInt8]
    }

    var sent: [Nanoseconds]
    var arrivals: [Arrival]
    var counters: DirectionCounters

    var numbers: [Int] { arrivals.map(\.number) }

    /// How long each frame took, in ms, in the order of arrival.
    var times: [Double] { arrivals.map { Double(($0.time - sent[$0.number]).count) / 1e6 } }
}

final class Arrivals: Sendable {
    let list = Mutex<[CableTrial.Arrival]>([])

    func add(_ frame: EthernetFrame) {
        let number = frame.payload.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        list.withLock { $0.append(CableTrial.Arrival(number: number, time: .now, bytes: frame.payload)) }
    }
}

extension [Double] {
    /// The value below which a fraction of all is.
    func quantile(_ fraction: Double) -> Double { sorted()[Swift.min(count - 1, Int(Double(count) * fraction))] }
    var mean: Double { reduce(0, +) / Double(count) }
}

extension EthernetFrame {
    /// A frame to all with its number in the first four bytes of its payload, and zeros.
    static func counted(_ number: Int, size: Int = 100) -> EthernetFrame {
        var payload = [UInt8](repeating: 0, count: size - 14)
        for place in 0..<4 { payload[place] = UInt8(truncatingIfNeeded: number >> (24 - 8 * place)) }
        return EthernetFrame(source: MACAddress(bytes: [2, 0, 0, 0, 0, 1]), ethertype: 0x88B5, payload: payload)
    }
}

extension DirectionCounters {
    /// What was counted after earlier counters.
    func since(_ earlier: DirectionCounters) -> DirectionCounters {
        var difference = self
        for part: WritableKeyPath<DirectionCounters, FrameCount> in [
            \.received, \.passed, \.lost, \.burstLost, \.queueFull, \.carrier, \.absent, \.refused, \.duplicated, \.corrupted, \.reordered,
        ] {
            difference[keyPath: part].frames -= earlier[keyPath: part].frames
            difference[keyPath: part].bytes -= earlier[keyPath: part].bytes
        }
        return difference
    }
}

extension SwitchFolder {
    func configuration(_ name: String) -> SwitchConfiguration {
        SwitchConfiguration(name: name, socketFolder: "\(path)/\(name)", managementSocket: "\(path)/\(name).m", ports: 8)
    }
}
