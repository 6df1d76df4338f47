import GuestShell
public import LabEvents
import Synchronization

/// One execution of a scenario's phases: what was asked of it, where it waits, and what it tells.
public final class PhaseSession: Sendable {
    /// What a paused run is told.
    private enum Decision: Sendable {
        case goOn
        /// Somebody else goes on with the lab, and this execution ends where it is.
        case leave
    }

    /// Thrown at a pause when the lab was taken from the run: nothing more is to be done with it.
    public struct Left: Error {
        /// The phase at which the run waited.
        public var phase: String
    }

    private struct State {
        var waiting: [(phase: String, gate: Gate<Decision>)] = []
        var hasPausedBefore = false
        /// Whether it waits at the next phase.
        var isStepping = false
        var pausedSince: ContinuousClock.Instant?
        var paused = Duration.zero
        var lastFailed: String?
    }

    /// What was asked for, with the paths of phases.
    public let request: PhaseRequest
    /// Whether it is for a client, and no part of what the run came to.
    private let isAside: Bool
    private let selection: PhaseSelection
    private let events: any EventSink
    private let state: Mutex<State>

    /// A session.
    ///
    /// - Parameters:
    ///   - outline: the scenario's phases.
    ///   - request: what was asked for; its phases must be in the outline.
    ///   - isAside: whether it is for a client, and no part of what the run came to.
    public init(_ outline: [PhaseOutline], _ request: PhaseRequest, events: any EventSink, isAside: Bool = false) {
        (self.request, self.events, self.isAside) = (request, events, isAside)
        selection = PhaseSelection(request, outline)
        state = Mutex(State())
    }

    /// Why a phase is left out; nil when it runs, or one in it does.
    public func reason(against phase: String) -> (skip: Verdict.Skip, reason: String)? { selection.reason(against: phase) }

    /// Tells that a phase reached another state.
    ///
    /// - Parameters:
    ///   - node: whose part of the phase it is; nil for the whole.
    ///   - isTolerated: whether a failure of it makes nothing fail.
    public func record(_ change: LabEvent.PhaseChange, node: String? = nil, isTolerated: Bool = false) {
        let isFailure = change.state == .failed
        if isFailure, !isTolerated { state.withLock { $0.lastFailed = change.phase } }
        // That only one phase was asked for is known without a line for each other one.
        let isAsked = change.state == .skipped && request.only != nil && selection.reason(against: change.phase) != nil
        let severity: LabEvent.Severity = isFailure ? (isTolerated ? .warning : .error) : isAsked ? .debug : .info
        var told = change
        if isAside { told.aside = true }
        events.record(.phase(told), node: node, severity: severity)
    }

    /// The phase that failed last.
    var lastFailed: String? { state.withLock { $0.lastFailed } }

    /// To be called before each phase: waits there if that was asked for.
    ///
    /// - Throws: ``Left``, or `CancellationError`.
    public func enter(_ phase: String, isLeaf: Bool, file: String, line: Int) async throws {
        let reason: String? = state.withLock { state in
            if phase == request.pauseBefore, !state.hasPausedBefore {
                state.hasPausedBefore = true
                return "before '\(phase)', as asked"
            }
            guard state.isStepping, isLeaf else { return nil }
            state.isStepping = false
            return "before '\(phase)', the next phase"
        }
        if let reason { try await pause(at: phase, because: reason, file: file, line: line) }
    }

    /// Waits until somebody lets the run go on.
    ///
    /// - Parameter reason: where or why, such as `before 'join'`.
    /// - Throws: ``Left``, or `CancellationError`.
    public func pause(at phase: String, because reason: String, file: String? = nil, line: Int? = nil) async throws {
        let gate = Gate<Decision>()
        state.withLock { state in
            if state.waiting.isEmpty { state.pausedSince = .now }
            state.waiting.append((phase, gate))
        }
        var change = LabEvent.PhaseChange(phase, .paused)
        (change.reason, change.file, change.line) = (reason, file, line)
        events.record(.phase(change))
        events.record(.lab(LabEvent.LabChange(state: .paused)))
        let decision: Result<Decision, any Error>
        do { decision = .success(try await gate.wait()) } catch { decision = .failure(error) }
        let isLast = state.withLock { state in
            state.waiting.removeAll { $0.gate === gate }
            guard state.waiting.isEmpty, let since = state.pausedSince else { return false }
            state.paused += since.duration(to: .now)
            state.pausedSince = nil
            return true
        }
        if case .leave = try decision.get() { throw Left(phase: phase) }
        events.record(.phase(LabEvent.PhaseChange(phase, .continued)))
        if isLast { events.record(.lab(LabEvent.LabChange(state: .running))) }
    }

    /// The phase at which the run waits; nil when it runs.
    var pausedAt: String? { state.withLock { $0.waiting.first?.phase } }

    /// How long the run has waited so far.
    var pausedTime: Duration { state.withLock { $0.paused + ($0.pausedSince?.duration(to: .now) ?? .zero) } }

    /// Lets a paused run go on.
    ///
    /// - Parameter toNext: whether it waits again before the next phase.
    /// - Returns: whether it was paused.
    func goOn(toNext: Bool) -> Bool { decide(.goOn) { $0.isStepping = toNext } }

    /// Ends a paused run where it is; the lab stays as it is.
    ///
    /// - Returns: whether it was paused.
    func leave() -> Bool { decide(.leave) { _ in } }

    private func decide(_ decision: Decision, _ change: (inout State) -> Void) -> Bool {
        let gates = state.withLock { state in
            if !state.waiting.isEmpty { change(&state) }
            return state.waiting.map(\.gate)
        }
        for gate in gates { gate.open(decision) }
        return !gates.isEmpty
    }
}
