import GuestShell
import LabEvents
import Synchronization

/// What the owner's parts share: where the lab stands, and the wishes of clients.
final class OwnerState: Sendable {
    private struct State {
        var lab: Lab?
        var worstPace: Double?
        var state = LabEvent.LabState.planning
        var finished: LabEvent.RunFinished?
        var needsViewer: Bool
        /// Whether the viewer has been there.
        var hadViewer = false
        /// Commands that run for clients; a takeover waits for them.
        var busy = 0
        var isHandingOver = false
        /// Clients that are being sent events.
        var readers = 0
        /// The executions of phases under way, the newest last.
        var sessions: [PhaseSession] = []
    }

    let run: RunDirectory
    let request: RunRequest
    let scenario: Scenario
    let log: EventLog
    /// What clients may call by name.
    let calls: ControlCalls
    /// How the phases of the lab stand.
    let ledger = PhaseLedger()
    /// Open once somebody wants the end.
    let stop = Gate<StopReason>()
    /// Open once another executable shall take over: its path.
    let handover = Gate<String>()
    /// Why the last takeover failed.
    let handoverRefusal = Gate<Problem>()
    private let mutable: Mutex<State>

    init(run: RunDirectory, request: RunRequest, scenario: Scenario, log: EventLog, calls: ControlCalls, needsViewer: Bool) {
        (self.run, self.request, self.scenario, self.log, self.calls) = (run, request, scenario, log, calls)
        mutable = Mutex(State(needsViewer: needsViewer))
    }

    var state: LabEvent.LabState { mutable.withLock { $0.state } }
    var lab: Lab? { mutable.withLock { $0.lab } }
    var finished: LabEvent.RunFinished? { mutable.withLock { $0.finished } }
    /// The execution of phases that waits for somebody; nil when none does.
    var paused: PhaseSession? { mutable.withLock { $0.sessions.last { $0.pausedAt != nil } } }

    /// Whether phases run that do not wait for somebody.
    var isExecuting: Bool { mutable.withLock { $0.sessions.contains { $0.pausedAt == nil } } }

    /// Ends every execution that waits, where it is.
    ///
    /// - Returns: whether there was any.
    func leavePauses() -> Bool { mutable.withLock { $0.sessions }.map { $0.leave() }.contains(true) }

    /// Lends an execution of phases to clients, for the time of `body`.
    ///
    /// - Throws: a ``Problem`` of kind `busy` when one runs that is not paused; what `body` throws.
    func executing<Result: Sendable>(_ session: PhaseSession, _ body: () async throws -> Result) async throws -> Result {
        let isBusy = mutable.withLock { state in
            if state.sessions.contains(where: { $0.pausedAt == nil }) { return true }
            state.sessions.append(session)
            return false
        }
        if isBusy { throw executingProblem }
        defer { mutable.withLock { $0.sessions.removeAll { $0 === session } } }
        return try await body()
    }

    func hold(_ lab: Lab?) {
        mutable.withLock { state in
            // What is worth knowing of a lab that ends.
            if let ending = state.lab { state.worstPace = ending.context.meter.worst }
            state.lab = lab
        }
    }

    /// Why phases cannot run now.
    var executingProblem: Problem {
        Problem(.busy, "phases of this lab are running", remedy: "wait until they have ended: vmlab phase list \(run.identifier)")
    }

    /// The worst pace of the lab; nil before it has ended.
    var worstPace: Double? { mutable.withLock { $0.worstPace } }

    func reach(_ state: LabEvent.LabState, reason: String? = nil) {
        note(state)
        log.record(.lab(LabEvent.LabChange(state: state, reason: reason)))
    }

    /// Follows what the lab itself reported.
    func note(_ state: LabEvent.LabState) { mutable.withLock { $0.state = state } }

    func finish(_ finished: LabEvent.RunFinished) { mutable.withLock { $0.finished = finished } }

    /// Ends the run; only the first reason counts.
    func end(_ reason: StopReason) {
        guard stop.value == nil else { return }
        stop.open(reason)
    }

    func viewerMayLeave() { mutable.withLock { $0.needsViewer = false } }

    /// The viewer reads events.
    func viewerCame() { mutable.withLock { $0.hadViewer = true } }

    /// The connection of the viewer is gone.
    func viewerLeft() {
        viewerCame()
        let isNeeded = mutable.withLock { $0.needsViewer && $0.state != .kept && $0.state != .down }
        if isNeeded { end(.viewerGone) }
    }

    /// Runs something for a client, which a takeover waits for.
    func serving<Result>(_ body: () async throws -> Result) async throws -> Result {
        let isRefused = mutable.withLock { state in
            if !state.isHandingOver { state.busy += 1 }
            return state.isHandingOver
        }
        guard !isRefused else {
            throw Problem(.busy, "another build is taking the lab over", remedy: "try again in a moment")
        }
        defer { mutable.withLock { $0.busy -= 1 } }
        return try await body()
    }

    /// Refuses new work and waits until what runs has ended.
    ///
    /// - Throws: a ``Problem`` of kind `busy` when it does not end; the lab then goes on as before.
    func drain(atMost limit: Duration) async throws {
        mutable.withLock { $0.isHandingOver = true }
        let deadline = ContinuousClock.now + limit
        while mutable.withLock({ $0.busy > 0 }) {
            guard ContinuousClock.now < deadline, !Task.isCancelled else {
                let busy = mutable.withLock { state in
                    state.isHandingOver = false
                    return state.busy
                }
                throw Problem(
                    .busy, "the lab cannot be taken over now", why: "\(busy) commands still run for clients after \(limit.seconds) s",
                    remedy: "end them, or wait for them")
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    func handoverFailed(_ problem: Problem) {
        handover.close()
        handoverRefusal.open(problem)
        mutable.withLock { $0.isHandingOver = false }
    }

    /// Sends events to a client.
    func reading<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        mutable.withLock { $0.readers += 1 }
        defer { mutable.withLock { $0.readers -= 1 } }
        return try await body()
    }

    /// Waits until every client has got the last event, and until the viewer has come for them: a run may end sooner than its viewer is there.
    func letClientsRead(atMost limit: Duration, expectingViewer: Bool) async {
        let deadline = ContinuousClock.now + limit
        while mutable.withLock({ $0.readers > 0 || (expectingViewer && !$0.hadViewer) }), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }
}
