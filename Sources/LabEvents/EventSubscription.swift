import FoundationEssentials
import Synchronization

/// The events of a run as one reader sees them: those of the past that are still in memory, then the live ones, each once and in order. It ends with the
/// log, with ``cancel()``, and when the reading task is cancelled.
///
/// A reader that is too slow loses events instead of filling the memory. In their place it gets one message of severity `warning` that says how many there
/// were; its number is the last lost event's.
public final class EventSubscription: AsyncSequence, Sendable {
    /// Events.
    public typealias Element = LabEvent
    /// Never.
    public typealias Failure = Never

    private struct State {
        var waiting: [LabEvent]
        var head = 0
        var limit: Int
        var lost = 0
        var lastLost: LabEvent?
        var isFinished = false
        var reader: CheckedContinuation<LabEvent?, Never>?
    }

    private let state: Mutex<State>
    private let includesConsole: Bool

    init(past: [LabEvent], limit: Int, includesConsole: Bool) {
        // What is handed over at the start is bounded already.
        state = Mutex(State(waiting: past, limit: limit + past.count))
        self.includesConsole = includesConsole
    }

    /// Ends the subscription; events that wait are still delivered.
    public func cancel() {
        let reader = state.withLock { state in
            state.isFinished = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// Takes an event.
    /// - Returns: Whether the subscription wants more.
    func push(_ event: LabEvent) -> Bool {
        if !includesConsole, case .console = event.kind { return true }
        let (reader, goesOn) = state.withLock { state -> (CheckedContinuation<LabEvent?, Never>?, Bool) in
            guard !state.isFinished else { return (nil, false) }
            if let reader = state.reader {
                state.reader = nil
                return (reader, true)
            }
            // Once something is lost, so is the rest until the reader has caught up: one gap, not many.
            if state.lost == 0, state.waiting.count - state.head < state.limit {
                state.waiting.append(event)
            } else {
                state.lost += 1
                state.lastLost = event
            }
            return (nil, true)
        }
        reader?.resume(returning: event)
        return goesOn
    }

    /// The next event, or nil at the end. One task at a time may ask.
    func next() async -> LabEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: LabEvent?? = state.withLock { state in
                    if let event = Self.take(&state) { return event }
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    state.reader = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            cancel()
        }
    }

    private static func take(_ state: inout State) -> LabEvent? {
        if state.head < state.waiting.count {
            let event = state.waiting[state.head]
            state.head += 1
            if state.head >= 1024, state.head * 2 >= state.waiting.count {
                state.waiting.removeFirst(state.head)
                state.head = 0
            }
            return event
        }
        state.waiting.removeAll(keepingCapacity: state.head < 1000)
        state.head = 0
        guard state.lost > 0, let last = state.lastLost else { return nil }
        let text = "\(state.lost) events are left out here: they came faster than they were read; the run's events.jsonl has them"
        (state.lost, state.lastLost) = (0, nil)
        return LabEvent(sequence: last.sequence, time: last.time, severity: .warning, kind: .message(LabEvent.Message(text: text)))
    }

    /// Reads the subscription.
    public struct Iterator: AsyncIteratorProtocol {
        let subscription: EventSubscription

        /// The next event; nil at the end.
        public mutating func next() async -> LabEvent? { await subscription.next() }

        /// The next event; nil at the end. The isolation is the caller's, as every iterator's.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> LabEvent? { await subscription.next() }
    }

    /// The iterator. One at a time may be in use.
    public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }
}
