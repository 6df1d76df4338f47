import LabEvents
import Synchronization
import VMLab

/// The answers of one wait so far.
final class WaitTally: Sendable {
    private struct State {
        var tries = 0
        var last: Answer?
        /// The last answer that was one, in case the very last could not be asked.
        var lastKnown: Answer?
        /// The worst pace that the limit has grown with.
        var pace: Double?
        /// Called when the state changes.
        var onAnswer: (@Sendable (Answer) -> Void)?
    }

    private let state: Mutex<State>
    let begin = ContinuousClock.now

    init(onAnswer: (@Sendable (Answer) -> Void)? = nil) { state = Mutex(State(onAnswer: onAnswer)) }

    /// Takes an answer, the last of so many tries.
    func take(_ answer: Answer, tries: Int = 1) {
        let tell = state.withLock { state in
            state.tries += tries
            state.last = answer
            if answer.kind != .couldNotAsk { state.lastKnown = answer }
            return state.onAnswer
        }
        tell?(answer)
    }

    var tries: Int { state.withLock { $0.tries } }
    var last: Answer? { state.withLock { $0.last } }
    /// The pace that the limit has grown with; nil before it was looked at.
    var pace: Double? { state.withLock { $0.pace } }
    /// What was granted while the host was slow is not taken back.
    func worst(_ pace: Double) -> Double {
        state.withLock { state in
            let worst = max(pace, state.pace ?? pace)
            state.pace = worst
            return worst
        }
    }
    /// Since the wait began.
    var waited: Duration { begin.duration(to: .now) }

    /// `31 tries, last answer: no: exit 1`.
    var text: String {
        let (tries, last, known) = state.withLock { ($0.tries, $0.last, $0.lastKnown) }
        guard let last else { return "no answer came" }
        var text = "\(tries) \(tries == 1 ? "try" : "tries"), last answer: \(last)"
        if last.kind == .couldNotAsk, let known { text += "\nthe last answer before: \(known)" }
        return text
    }

    func report(_ what: String) -> WaitReport {
        WaitReport(what: what, seconds: waited.seconds.rounded(to: 3), tries: tries, observation: last?.observation)
    }
}
