import CVDEPlug
import Glibc
import LabEvents
import Synchronization

/// The thread behind a link aggregation, and what it shares with the callers.
final class LinkAggregationWorker: Sendable {
    typealias Opening = Result<Void, Problem>

    private struct State {
        var core: LinkAggregationCore
        var isStopping = false
        var isFinished = false
        /// Why it ended before it was stopped.
        var problem: Problem?
        var joiners: [CheckedContinuation<Void, Never>] = []
    }

    let name: String
    let legs: [LinkEnd]
    let port: LinkEnd
    /// What changes. A guest that changes what it says with every LACPDU cannot fill the memory: there is a limit.
    let changes = EventHistory<LinkAggregationChange>()
    static let changeLimit = 100_000
    private let opened: AsyncStream<Opening>.Continuation
    /// What is written to the second wakes the thread.
    private let wake: (Int32, Int32)
    private let begin = ContinuousClock.now
    private let state: Mutex<State>
    /// Why the switch port is not joined yet.
    private let refusal = Mutex<Problem?>(nil)

    init(
        name: String, legs: [LinkEnd], port: LinkEnd, core: LinkAggregationCore,
        opened: AsyncStream<Opening>.Continuation
    ) throws(Problem) {
        (self.name, self.legs, self.port, self.opened) = (name, legs, port, opened)
        state = Mutex(State(core: core))
        let (ends, code) = localPair()
        wake = ends
        guard code == 0 else { throw failure("make a pair of sockets", code) }
    }

    // The thread keeps a reference, so it has ended.
    deinit { for end in [wake.0, wake.1] where end >= 0 { close(end) } }

    /// The time as the core knows it.
    private var now: Duration { ContinuousClock.now - begin }

    var status: LinkAggregationStatus { state.withLock { $0.core.status } }
    var problem: Problem? { state.withLock { $0.problem } }
    var openingProblem: Problem? { refusal.withLock { $0 } }

    func start() throws(Problem) {
        let code = startThread(self) { $0.run() }
        guard code == 0 else { throw failure("start a thread", code) }
    }

    /// Does it here and now, so that no frame takes the leg from when this returns.
    func setCarrier(_ leg: Int, _ hasCarrier: Bool) {
        state.withLock { $0.core.setCarrier(leg, hasCarrier, at: now) }
        ring()
    }

    /// Asks the thread to close the ends.
    func stop() {
        state.withLock { $0.isStopping = true }
        ring()
    }

    /// Waits until the thread has closed the ends, also when the calling task is cancelled.
    func finish() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.joiners.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }

    func failure(_ purpose: String, _ code: Int32) -> Problem {
        Problem(.failure, "cannot \(purpose) for link aggregation \(name)", why: String(cString: strerror(code)))
    }

    private func ring() { write(wake.1, [1], 1) }
}

// MARK: - The thread

extension LinkAggregationWorker {
    /// What the thread alone has.
    private struct Sockets {
        /// The legs, and the switch port after them.
        var ends: [EndSocket]
        var outlets: [FrameOutlet]
        let batch = FrameBatch()
        let letter = FrameBatch()
        var polls: [pollfd]
        var hasOpened = false
        var portIndex: Int { ends.count - 1 }
    }

    private func run() {
        var problem: Problem?
        do throws(Problem) {
            var sockets = try open()
            problem = serve(&sockets)
            for socket in sockets.ends { socket.close() }
        } catch {
            problem = error
            opened.yield(.failure(error))
        }
        // Before the streams end, so that those who see their ends see why.
        state.withLock { $0.problem = problem }
        opened.finish()
        changes.finish()
        let joiners = state.withLock { state in
            state.isFinished = true
            defer { state.joiners = [] }
            return state.joiners
        }
        for joiner in joiners { joiner.resume() }
    }

    private func open() throws(Problem) -> Sockets {
        var ends: [EndSocket] = []
        // An end that is not used closes itself.
        for end in legs + [port] { ends.append(try EndSocket(end, name: name)) }
        return Sockets(
            ends: ends, outlets: ends.map { _ in FrameOutlet() },
            polls: [pollfd](repeating: pollfd(), count: ends.count * EndSocket.descriptorCount + 1))
    }

    /// Moves frames until it is stopped.
    ///
    /// - Returns: why it cannot go on; nil when it was stopped.
    private func serve(_ sockets: inout Sockets) -> Problem? {
        var bytes = [UInt8](repeating: 0, count: 64)
        while true {
            do throws(Problem) {
                try update(&sockets)
            } catch {
                return error
            }
            if state.withLock({ $0.isStopping }) { return nil }
            emit(&sockets)
            // After it, since what is sent may show that a guest is there or gone, which starts and ends timers.
            let code = wait(&sockets, until: state.withLock { $0.core.nextDeadline })
            guard [0, EINTR, ENOMEM].contains(code) else { return failure("wait for frames", code) }
            if sockets.polls[sockets.polls.count - 1].revents != 0 { read(wake.0, &bytes, bytes.count) }
            for leg in legs.indices where sockets.polls[leg * EndSocket.descriptorCount].revents != 0 { collect(leg, &sockets) }
            if sockets.polls[sockets.portIndex * EndSocket.descriptorCount].revents != 0 { distribute(&sockets) }
            let now = now
            state.withLock { if $0.core.nextDeadline.isOver(at: now) { $0.core.handleTime(at: now) } }
        }
    }

    /// Sees what became of the ends.
    private func update(_ sockets: inout Sockets) throws(Problem) {
        for (index, socket) in sockets.ends.enumerated() {
            let revents = sockets.polls[index * EndSocket.descriptorCount + 2].revents
            guard let change = try socket.update(revents) else { continue }
            let now = now
            state.withLock { state in
                if index == legs.count { state.core.setSwitch(change, at: now) } else { state.core.setGuest(index, change, at: now) }
            }
        }
        guard !sockets.hasOpened else { return }
        refusal.withLock { $0 = sockets.ends[sockets.portIndex].openingProblem }
        guard sockets.ends.allSatisfy(\.isOpen) else { return }
        sockets.hasOpened = true
        opened.yield(.success(()))
    }

    /// Sends what the core and the outlets have, and tells what changed.
    private func emit(_ sockets: inout Sockets) {
        while true {
            let (output, distributing) = state.withLock { ($0.core.takeOutput(), $0.core.distributing) }
            for leg in legs.indices where !distributing.contains(leg) {
                let dropped = sockets.outlets[leg].discard()
                if dropped > 0 { state.withLock { $0.core.counters[leg].guestRefused += UInt64(dropped) } }
            }
            for reply in output.replies { sockets.outlets[reply.leg].hurry(reply.bytes) }
            for change in output.changes where changes.count < Self.changeLimit { changes.append(change) }
            var hasChanged = false
            for (index, socket) in sockets.ends.enumerated() {
                let now = now
                let flush = sockets.outlets[index].flush(socket, with: sockets.letter, at: now)
                guard flush.dropped > 0 || flush.change != nil else { continue }
                hasChanged = true
                state.withLock { state in
                    if index == legs.count {
                        state.core.switchRefused += UInt64(flush.dropped)
                    } else {
                        state.core.counters[index].guestRefused += UInt64(flush.dropped)
                        if let change = flush.change { state.core.setGuest(index, change, at: now) }
                    }
                }
            }
            if !hasChanged { return }
        }
    }

    /// Waits for something to do.
    ///
    /// - Returns: 0, or the number of the error.
    private func wait(_ sockets: inout Sockets, until deadline: Duration?) -> Int32 {
        let now = now
        // One outlet that has no room holds up those that send to it, for a time.
        let portHold = sockets.outlets[sockets.portIndex].holdsUp(at: now)
        let legHold = sockets.outlets[..<sockets.portIndex].compactMap { $0.holdsUp(at: now) }.max()
        for (index, socket) in sockets.ends.enumerated() {
            let isPaused = (index == legs.count ? legHold : portHold) != nil
            let (input, room, control) = socket.descriptors(isFull: sockets.outlets[index].isFull, isPaused: isPaused)
            let base = index * EndSocket.descriptorCount
            (sockets.polls[base], sockets.polls[base + 1], sockets.polls[base + 2]) = (input, room, control)
        }
        sockets.polls[sockets.polls.count - 1] = pollfd(fd: wake.0, events: Int16(POLLIN), revents: 0)
        let end = [deadline, portHold, legHold].compactMap { $0 }.min()
        let count = UInt(sockets.polls.count)
        guard let end else { return cvdeplug_poll(&sockets.polls, count, nil, nil) < 0 ? errno : 0 }
        let (seconds, attoseconds) = max(.zero, end - now).components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        return cvdeplug_poll(&sockets.polls, count, &time, nil) < 0 ? errno : 0
    }

    /// Takes frames from a guest's card.
    private func collect(_ leg: Int, _ sockets: inout Sockets) {
        let change = sockets.ends[leg].read(into: sockets.batch)
        let now = now
        state.withLock { state in
            if let change { state.core.setGuest(leg, change, at: now) }
            state.core.counters[leg].oversized += UInt64(sockets.batch.oversized)
            for index in 0..<sockets.batch.count {
                let frame = sockets.batch[index]
                guard state.core.receive(UnsafeRawBufferPointer(frame), from: leg, at: now) == .forward else { continue }
                if sockets.outlets[sockets.portIndex].append(frame) {
                    state.core.counters[leg].toSwitch.count(frame.count)
                } else {
                    state.core.switchRefused += 1
                }
            }
        }
    }

    /// Takes frames from the switch.
    private func distribute(_ sockets: inout Sockets) {
        _ = sockets.ends[sockets.portIndex].read(into: sockets.batch)
        state.withLock { state in
            state.core.oversized += UInt64(sockets.batch.oversized)
            for index in 0..<sockets.batch.count {
                let frame = sockets.batch[index]
                guard let leg = state.core.distribute(UnsafeRawBufferPointer(frame)) else { continue }
                if sockets.outlets[leg].append(frame) {
                    state.core.counters[leg].toGuest.count(frame.count)
                } else {
                    state.core.counters[leg].guestRefused += 1
                }
            }
        }
    }
}
