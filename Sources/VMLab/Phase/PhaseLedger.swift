public import LabEvents
import Synchronization

/// Where a phase of a lab stands, for a list.
public struct PhaseStatus: Sendable, Codable, Equatable {
    /// Its path.
    public var phase: String
    /// How it stood last; nil when it has not been reached.
    public var state: LabEvent.PhaseState?
    /// What it came to.
    public var verdict: Verdict?
    /// Seconds that it took.
    public var seconds: Double?
    /// What it found, or why it was left out, failed or is paused.
    public var reason: String?
    /// Whether `next` would run it.
    public var isNext: Bool
}

/// How the phases of a lab stand, over all that was executed on it.
final class PhaseLedger: EventRecorder {
    private struct State {
        var last: [String: LabEvent.PhaseChange] = [:]
        /// The phases that passed or that this lab has no use for, the last one last.
        var done: [String] = []
    }

    private let state = Mutex(State())

    func record(_ event: LabEvent) {
        guard case .phase(let change) = event.kind, event.node == nil else { return }
        state.withLock { state in
            // What an earlier execution did counts more than that this one leaves it out.
            if change.state == .skipped, let known = state.last[change.phase], known.state == .passed || known.state == .failed { return }
            if change.state == .continued { return }
            state.last[change.phase] = change
            if change.state == .passed { state.done.append(change.phase) }
        }
    }

    /// Takes note that a phase which was asked for was left out: it would be again.
    ///
    /// - Returns: whether it was left out when it was reached last.
    func passOver(_ path: String) -> Bool {
        state.withLock { state in
            guard state.last[path]?.state == .skipped else { return false }
            state.done.append(path)
            return true
        }
    }

    /// The phase after the one that passed last, or that was passed over; nil at the end.
    func next(in outline: [PhaseOutline]) -> PhaseOutline? {
        let leaves = outline.leaves.filter { !$0.isAlways }
        let index = state.withLock { state in
            state.done.reversed().lazy.compactMap { path in leaves.firstIndex { $0.path == path } }.first
        }
        return leaves.dropFirst(index.map { $0 + 1 } ?? 0).first
    }

    /// Every phase, each before those in it.
    func list(_ outline: [PhaseOutline]) -> [PhaseStatus] {
        let next = next(in: outline)?.path
        return outline.all.map { phase in
            let last = state.withLock { $0.last[phase.path] }
            return PhaseStatus(
                phase: phase.path, state: last?.state, verdict: last?.verdict, seconds: last?.seconds,
                reason: last.flatMap { $0.problem?.what ?? $0.reason ?? $0.detail }, isNext: phase.path == next)
        }
    }
}
