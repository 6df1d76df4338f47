import Glibc
import LabEvents
import Synchronization

@testable import VDE

/// A guest's bond of mode 802.3ad without a guest: datagram sockets as QEMU has them, and a LACP partner as Linux has it. Frames are sent on
/// the leg that the test names, and all that come are kept, also those on a leg that LACP does not use.
final class FakeBond: Sendable {
    struct Arrival: Sendable, Hashable {
        var leg: Int
        var frame: EthernetFrame
    }

    /// What waits to be sent on a leg.
    private struct Outbox {
        /// LACPDUs go ahead of all other frames, as Linux sends them (TC_PRIO_CONTROL): however many wait, the far end hears in time.
        var control: [[UInt8]] = []
        var frames: [[UInt8]] = []
        var head = 0

        var next: (bytes: [UInt8], isControl: Bool)? {
            if let unit = control.first { return (unit, true) }
            return head < frames.count ? (frames[head], false) : nil
        }

        /// Takes out what ``next`` gave.
        mutating func removeNext(isControl: Bool) {
            if isControl {
                control.removeFirst()
            } else {
                head += 1
                if head == frames.count { (frames, head) = ([], 0) }
            }
        }
    }

    private struct State {
        var aggregator: LACPAggregator
        var arrivals: [Arrival] = []
        var outboxes: [Outbox]
        var markers = 0
        /// Whether frames are counted alone.
        var isCounting = false
        var count = 0
        /// Legs that say nothing.
        var silent: Set<Int> = []
        var isStopping = false
        var isFinished = false
    }

    private let ends: [LinkEnd]
    private let address: MACAddress
    private let begin = ContinuousClock.now
    private let state: Mutex<State>
    private let wake: (Int32, Int32)
    private let ticks: AsyncStream<Void>
    private let tick: AsyncStream<Void>.Continuation

    /// Lends a bond at the other side of legs.
    static func with<Result>(
        _ legs: [LinkEnd], rate: LACPRate = .fast, times: LACPTimes, number: UInt8 = 2, isSilent: Bool = false,
        _ body: (FakeBond) async throws -> Result
    ) async throws -> Result {
        let bond = FakeBond(legs, rate, times, number, isSilent)
        guard startThread(bond, { $0.run() }) == 0 else { throw Problem(.failure, "no thread") }
        let outcome: Swift.Result<Result, any Error>
        do { outcome = .success(try await body(bond)) } catch { outcome = .failure(error) }
        bond.state.withLock { $0.isStopping = true }
        bond.ring()
        _ = await bond.until { $0.isFinished }
        return try outcome.get()
    }

    private init(_ legs: [LinkEnd], _ rate: LACPRate, _ times: LACPTimes, _ number: UInt8, _ isSilent: Bool) {
        ends = legs.map { if case .guest(let local, let remote) = $0 { .guest(local: remote, remote: local) } else { $0 } }
        address = .numbered(number)
        let system = LACPSystem(address: address)
        let settings = legs.indices.map {
            LACPSettings(system: system, key: 15, port: UInt16($0 + 1), rate: rate, control: .coupled, times: times)
        }
        state = Mutex(
            State(
                aggregator: LACPAggregator(settings, at: .zero), outboxes: legs.map { _ in Outbox() },
                silent: isSilent ? Set(legs.indices) : []))
        wake = localPair().ends
        (ticks, tick) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    deinit { for end in [wake.0, wake.1] { close(end) } }

    var isFinished: Bool { state.withLock { $0.isFinished } }
    var arrivals: [Arrival] { state.withLock { $0.arrivals } }
    var count: Int { state.withLock { $0.count } }
    func countOnly() { state.withLock { $0.isCounting = true } }
    var markers: Int { state.withLock { $0.markers } }
    func status(_ leg: Int) -> LACPPortStatus { state.withLock { $0.aggregator.ports[leg].status } }
    var isUp: Bool { state.withLock { state in state.aggregator.ports.allSatisfy { $0.status.isUp } } }

    /// Takes what has come.
    func takeArrivals() -> [Arrival] {
        state.withLock { state in
            defer { state.arrivals = [] }
            return state.arrivals
        }
    }

    func send(_ frame: EthernetFrame, leg: Int) { send(frame.bytes, leg: leg) }

    func send(_ bytes: [UInt8], leg: Int) {
        state.withLock { $0.outboxes[leg].frames.append(bytes) }
        ring()
    }

    /// What the guest's kernel does when its card says that the cable is out.
    func setCarrier(_ leg: Int, _ isOn: Bool) {
        let now = ContinuousClock.now - begin
        state.withLock { state in send(state.aggregator.handle(.enabled(isOn), port: leg, at: now), &state) }
        ring()
    }

    func setSilent(_ leg: Int, _ isSilent: Bool) {
        state.withLock { if isSilent { $0.silent.insert(leg) } else { $0.silent.remove(leg) } }
    }

    /// Waits for a condition.
    ///
    /// - Returns: whether it came true in 20 s, which bounds a hang and measures nothing.
    func until(_ condition: (FakeBond) -> Bool) async -> Bool {
        if condition(self) { return true }
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            _ = await withDeadline(end - .now) { [ticks] in await ticks.first { _ in true } }
            if condition(self) { return true }
        }
        return false
    }

    private func ring() { write(wake.1, [1], 1) }

    private func send(_ outputs: [LACPAggregator.Output], _ state: inout State) {
        for output in outputs {
            guard case .transmit(let unit) = output.action, !state.silent.contains(output.port) else { continue }
            state.outboxes[output.port].control.append(SlowProtocol.frame(from: address, unit.bytes))
        }
    }

    private func run() {
        var sockets = ends.compactMap { try? EndSocket($0, name: "bond") }
        precondition(sockets.count == ends.count)
        let (batch, letter) = (FrameBatch(), FrameBatch())
        for leg in ends.indices { setCarrier(leg, true) }
        var bytes = [UInt8](repeating: 0, count: 64)
        while !state.withLock({ $0.isStopping }) {
            let now = ContinuousClock.now - begin
            state.withLock { state in
                if state.aggregator.nextDeadline.isOver(at: now) { send(state.aggregator.handleTime(at: now), &state) }
            }
            let full = flush(sockets, letter)
            tick.yield()
            var polls = zip(sockets, full).flatMap { socket, isFull in
                let (input, room, _) = socket.descriptors(isFull: isFull)
                return [input, room]
            }
            polls.append(pollfd(fd: wake.0, events: Int16(POLLIN), revents: 0))
            let left = state.withLock { $0.aggregator.nextDeadline }.map { $0 - (ContinuousClock.now - begin) }
            poll(&polls, nfds_t(polls.count), left.map { Int32(max(0, $0 / .milliseconds(1)) + 1) } ?? -1)
            _ = read(wake.0, &bytes, bytes.count)
            for (leg, socket) in sockets.enumerated() where polls[leg * 2].revents != 0 {
                _ = socket.read(into: batch)
                take(batch, leg)
            }
        }
        for socket in sockets { socket.close() }
        sockets = []
        state.withLock { $0.isFinished = true }
        tick.yield()
    }

    private func take(_ batch: FrameBatch, _ leg: Int) {
        let now = ContinuousClock.now - begin
        state.withLock { state in
            for index in 0..<batch.count {
                if state.isCounting, batch[index][12] == 0x08 {
                    state.count += 1
                    continue
                }
                let bytes = Array(batch[index])
                guard bytes[12] == 0x88, bytes[13] == 0x09 else {
                    if let frame = EthernetFrame(bytes: bytes) { state.arrivals.append(Arrival(leg: leg, frame: frame)) }
                    continue
                }
                if let unit = try? LACPDU(bytes: Array(bytes[14...])) {
                    send(state.aggregator.handle(.received(unit), port: leg, at: now), &state)
                } else if let marker = try? MarkerPDU(bytes: Array(bytes[14...])), marker.isResponse {
                    state.markers += 1
                }
            }
        }
    }

    /// - Returns: for each leg whether something waits for room.
    private func flush(_ sockets: [EndSocket], _ letter: FrameBatch) -> [Bool] {
        sockets.indices.map { leg in
            while let (bytes, isControl) = state.withLock({ $0.outboxes[leg].next }) {
                letter.clear()
                letter.append(bytes)
                var sent = 0
                if sockets[leg].write(letter, from: &sent).0 == .full { return true }
                // A LACPDU may have come in ahead of the frame that was sent.
                state.withLock { $0.outboxes[leg].removeNext(isControl: isControl) }
            }
            return false
        }
    }
}
