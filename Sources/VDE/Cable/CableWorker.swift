import Glibc
import LabEvents
import Synchronization

/// The thread behind a cable. It sleeps until a frame comes, a frame's time has come, or it is called; each cable has one, so that no cable
/// waits for another's switch or capture.
final class CableWorker: Sendable {
    /// Both directions.
    struct Lanes {
        var forward: CableLane
        var backward: CableLane

        subscript(direction: LinkDirection) -> CableLane {
            get { direction == .forward ? forward : backward }
            _modify { if direction == .forward { yield &forward } else { yield &backward } }
        }
    }

    struct State {
        var lanes: Lanes
        var firstTaps: [(number: Int, tap: any FrameTap)] = []
        var secondTaps: [(number: Int, tap: any FrameTap)] = []
        var nextTap = 0
        var isStopping = false
        var isFinished = false
        var joiners: [CheckedContinuation<Void, Never>] = []
        /// How often the thread has slept.
        var rounds = 0
        /// Why the ends could not be opened, or the thread ended unasked.
        var problem: Problem?

        /// Whether frames may go straight from end to end.
        var isIdle: Bool { lanes.forward.isClear && lanes.backward.isClear && firstTaps.isEmpty && secondTaps.isEmpty && !isStopping }
    }

    let changes = EventHistory<CableChange>()
    let name: String
    let ends: (first: LinkEnd, second: LinkEnd)
    /// A pair of sockets: what is written to the second wakes the thread.
    private let wake: (reader: Int32, writer: Int32)
    private let opened: AsyncStream<Bool>.Continuation
    private let state: Mutex<State>

    init(
        _ name: String, _ first: LinkEnd, _ second: LinkEnd, seed: UInt64, opened: AsyncStream<Bool>.Continuation
    ) throws(Problem) {
        (self.name, ends, self.opened) = (name, (first, second), opened)
        let lane = { CableLane(name: name, direction: $0, seed: seed) }
        state = Mutex(State(lanes: Lanes(forward: lane(.forward), backward: lane(.backward))))
        let (pair, code) = localPair()
        wake = (pair.0, pair.1)
        guard code == 0 else { throw problem("make a pair of sockets", code) }
    }

    // The thread keeps a reference, so it has ended.
    deinit { for end in [wake.reader, wake.writer] where end >= 0 { close(end) } }

    func start() throws(Problem) {
        let code = startThread(self) { $0.run() }
        guard code == 0 else { throw problem("start a thread", code) }
    }

    /// Asks the thread to close the ends and end.
    func stop() {
        state.withLock { $0.isStopping = true }
        ring()
    }

    /// Waits until the thread has closed the ends, also when the calling task is cancelled.
    ///
    /// - Returns: why the cable did not come up, or ended unasked.
    @discardableResult func finish() async -> Problem? {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.joiners.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
        return state.withLock { $0.problem }
    }

    func read<Result: Sendable>(_ body: (Lanes) -> Result) -> Result { state.withLock { body($0.lanes) } }

    /// Changes the directions between two batches of frames.
    func change(_ body: (inout Lanes) -> Void) {
        state.withLock { body(&$0.lanes) }
        ring()
    }

    /// How often the thread has slept; a cable without work sleeps on.
    var rounds: Int { state.withLock { $0.rounds } }

    func addTap(_ side: CableSide, _ tap: any FrameTap) -> CableTap {
        state.withLock { state in
            state.nextTap += 1
            if side == .first { state.firstTaps.append((state.nextTap, tap)) } else { state.secondTaps.append((state.nextTap, tap)) }
            return CableTap(side: side, number: state.nextTap)
        }
    }

    func removeTap(_ tap: CableTap) {
        state.withLock { state in
            state.firstTaps.removeAll { $0.number == tap.number }
            state.secondTaps.removeAll { $0.number == tap.number }
        }
    }

    private func ring() { Glibc.write(wake.writer, [1], 1) }

    private func problem(_ purpose: String, _ code: Int32) -> Problem {
        Problem(.failure, "cannot \(purpose) for cable \(name)", why: String(cString: strerror(code)))
    }
}

// MARK: - The thread

extension CableWorker {
    private func run() {
        do throws(Problem) {
            let first = try EndSocket(ends.first, name: "cable \(name)")
            defer { first.close() }
            let second = try EndSocket(ends.second, name: "cable \(name)")
            defer { second.close() }
            try serve(first, second)
            let problem = first.openingProblem ?? second.openingProblem
            state.withLock { $0.problem = problem }
        } catch {
            state.withLock { $0.problem = error }
        }
        opened.finish()
        changes.finish()
        let joiners = state.withLock { state in
            state.isFinished = true
            defer { state.joiners = [] }
            return state.joiners
        }
        for joiner in joiners { joiner.resume() }
    }

    private func serve(_ first: EndSocket, _ second: EndSocket) throws(Problem) {
        let batch = FrameBatch()
        var polls = CablePolls(wake: wake.reader)
        var missing: Set<CableSide> = [.first, .second]
        var plan = Plan()
        while !plan.isStopping {
            polls.set((first, plan.first), (second, plan.second))
            // A guest's end is up without anything to be read.
            let isNews = !missing.isEmpty && first.isOpen && second.isOpen
            try polls.wait(until: isNews ? .zero : plan.due, name)
            if missing.isEmpty, plan.isQuiet {
                while relay(first, second, polls, batch) { try polls.wait(until: nil, name) }
            }
            if polls.isWoken { drain() }
            if !missing.isEmpty || polls.isControlled {
                for (side, end, control) in [(CableSide.first, first, polls.answer(2)), (.second, second, polls.answer(5))] {
                    guard let change = try end.update(control) else { continue }
                    tell(side, change)
                    if change == .up { missing.remove(side) }
                    if change == .up, missing.isEmpty { opened.yield(true) }
                }
            }
            plan = move(first, second, polls, batch)
        }
    }

    /// Moves what came straight from end to end when there is nothing else to do: what ``move(_:_:_:_:)`` does, for less.
    ///
    /// - Returns: whether there is still nothing else to do.
    private func relay(_ first: EndSocket, _ second: EndSocket, _ polls: borrowing CablePolls, _ batch: FrameBatch) -> Bool {
        guard !polls.isWoken, !polls.isControlled, let one = first.settled, let other = second.settled else { return false }
        let inputs = (polls.answer(0) != 0, polls.answer(3) != 0)
        var change: CableChange?
        let isDone = state.withLock { state in
            guard state.isIdle else { return false }
            state.rounds += 1
            if inputs.0, let left = state.lanes.forward.relay(batch, from: one.receiver, to: other.sender) {
                var way = CableWay(source: first, sink: second, batch: batch)
                state.lanes.forward.forward(&way, from: left)
                change = way.sinkChange.map { CableChange(.second, $0) }
                return false
            }
            if inputs.1, let left = state.lanes.backward.relay(batch, from: other.receiver, to: one.sender) {
                var way = CableWay(source: second, sink: first, batch: batch)
                state.lanes.backward.forward(&way, from: left)
                change = way.sinkChange.map { CableChange(.first, $0) }
                return false
            }
            return true
        }
        if let change { tell(change.side, change.change) }
        return isDone
    }

    /// Moves what came and what is due.
    private func move(_ first: EndSocket, _ second: EndSocket, _ polls: borrowing CablePolls, _ batch: FrameBatch) -> Plan {
        let (inputs, rooms) = ((polls.answer(0) != 0, polls.answer(3) != 0), (polls.answer(4) != 0, polls.answer(1) != 0))
        var (firstChanges, secondChanges): ([LinkEndChange], [LinkEndChange]) = ([], [])
        let plan = state.withLock { state in
            state.rounds += 1
            if inputs.0 || rooms.0 || !state.lanes.forward.isClear {
                var way = CableWay(source: first, sink: second, batch: batch, sourceTaps: state.firstTaps, sinkTaps: state.secondTaps)
                state.lanes.forward.pass(&way, hasInput: inputs.0, hasRoom: rooms.0)
                way.sourceChange.map { firstChanges.append($0) }
                way.sinkChange.map { secondChanges.append($0) }
            }
            if inputs.1 || rooms.1 || !state.lanes.backward.isClear {
                var way = CableWay(source: second, sink: first, batch: batch, sourceTaps: state.secondTaps, sinkTaps: state.firstTaps)
                state.lanes.backward.pass(&way, hasInput: inputs.1, hasRoom: rooms.1)
                way.sourceChange.map { secondChanges.append($0) }
                way.sinkChange.map { firstChanges.append($0) }
            }
            return Plan(state)
        }
        for change in firstChanges { tell(.first, change) }
        for change in secondChanges { tell(.second, change) }
        return plan
    }

    /// What the next sleep is about. Whoever changes the state rings.
    private struct Plan {
        var due: Nanoseconds?
        var first = CablePolls.Mode()
        var second = CablePolls.Mode()
        var isStopping = false
        /// Whether frames may go straight from end to end, until something else happens.
        var isQuiet = false

        init() {}

        init(_ state: borrowing State) {
            first = CablePolls.Mode(isFull: state.lanes.backward.isFull, isPaused: state.lanes.forward.pauseEnd != nil)
            second = CablePolls.Mode(isFull: state.lanes.forward.isFull, isPaused: state.lanes.backward.pauseEnd != nil)
            isStopping = state.isStopping
            isQuiet = state.isIdle
            let (one, other) = (state.lanes.forward.nextDue, state.lanes.backward.nextDue)
            due = if let one, let other { min(one, other) } else { one ?? other }
        }
    }

    /// Readers of the changes see all from the first on; a limit bounds what an end that comes and goes for ever takes.
    private func tell(_ side: CableSide, _ change: LinkEndChange) {
        if changes.count < 10_000 { changes.append(CableChange(side, change)) }
    }

    private func drain() {
        var bytes: (UInt64, UInt64) = (0, 0)
        Glibc.read(wake.reader, &bytes, 16)
    }
}
