public import FoundationEssentials
import Synchronization

/// The sink that every event of a run goes through: it redacts, numbers and dates an event, keeps the recent ones and hands it to the recorders and
/// subscribers.
///
/// Nothing leaves it before it is redacted, the live events of subscribers in this process included.
public final class EventLog: EventSink {
    /// The run's id.
    public let run: String

    private let redactor: Redactor
    private let now: @Sendable () -> Date
    private let limits: Limits
    private let consoles = Mutex<[String: KeyBlock]>([:])
    private let state: Mutex<State>

    /// What the log keeps in memory.
    struct Limits {
        /// Events that a later subscriber can still have.
        var history = 20_000
        /// Events that wait for one slow subscriber.
        var subscriber = 10_000
        /// Events that wait for the recorders, beyond which those of severity `debug` are left out.
        var pending = 50_000
    }

    private struct State {
        var nextSequence: Int
        var history: [LabEvent] = []
        /// The number of the last event that the history has let go.
        var forgotten = 0
        var recorders: [any EventRecorder] = []
        var subscriptions: [Subscriber] = []
        var pending: [LabEvent] = []
        var isDelivering = false
        var leftOut = 0
        var isFinished = false
        var finishing: [CheckedContinuation<Void, Never>] = []
    }

    private struct Subscriber {
        weak var subscription: EventSubscription?
    }

    /// A log without recorders.
    /// - Parameters:
    ///   - run: The run's id.
    ///   - redactor: What takes the secrets out of each event.
    ///   - now: The clock.
    ///   - firstSequence: The first event's number: 1, or the one after the last in the run's file when a lab is taken over.
    public convenience init(run: String, redactor: Redactor, now: @escaping @Sendable () -> Date = { Date() }, firstSequence: Int = 1) {
        self.init(run: run, redactor: redactor, now: now, firstSequence: firstSequence, limits: Limits())
    }

    init(run: String, redactor: Redactor, now: @escaping @Sendable () -> Date = { Date() }, firstSequence: Int = 1, limits: Limits) {
        self.run = run
        self.redactor = redactor
        self.now = now
        self.limits = limits
        state = Mutex(State(nextSequence: firstSequence, forgotten: firstSequence - 1))
    }

    /// Adds a recorder, which gets every event that is recorded from now on.
    public func attach(_ recorder: any EventRecorder) { state.withLock { $0.recorders.append(recorder) } }

    /// The number of the newest event; one less than the first number while there is none.
    public var lastSequence: Int { state.withLock { $0.nextSequence - 1 } }

    /// Redacts, numbers and distributes an event. After ``finish()`` it does nothing.
    ///
    /// One of the recording threads at a time calls the recorders, for all; the others go on at once.
    public func record(_ kind: LabEvent.Kind, node: String?, severity: LabEvent.Severity) {
        let redacted = redact(kind, node: node)
        let redactedNode = node.map(redactor.redact)
        let isMine = state.withLock { state in
            guard !state.isFinished else { return false }
            if state.pending.count >= limits.pending, severity == .debug {
                state.leftOut += 1
                return false
            }
            if state.leftOut > 0, state.pending.count < limits.pending / 2 {
                let text = "\(state.leftOut) console lines and machine events are left out: the recorders were too slow for them"
                state.leftOut = 0
                number(.message(LabEvent.Message(text: text)), node: nil, severity: .warning, &state)
            }
            number(redacted, node: redactedNode, severity: severity, &state)
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
        if isMine { deliver() }
    }

    /// The events from a number on: those of the past that are still in memory, then the live ones. Console lines and machine events of severity `debug` are
    /// not kept for the past. When older events that were asked for are no longer in memory, the first event is a message that says so.
    /// - Parameters:
    ///   - sequence: The first number that is wanted.
    ///   - includingConsole: Whether console lines are wanted.
    public func subscribe(from sequence: Int = 1, includingConsole: Bool = true) -> EventSubscription {
        state.withLock { state in
            var past = state.history.filter { event in
                if !includingConsole, case .console = event.kind { return false }
                return event.sequence >= sequence
            }
            if sequence <= state.forgotten {
                let text = "the events before number \(state.forgotten + 1) are no longer in memory; the run's events.jsonl has them"
                let event = LabEvent(
                    sequence: state.forgotten, time: EventTime.rounded(now()), severity: .warning,
                    kind: .message(LabEvent.Message(text: text)))
                past.insert(event, at: 0)
            }
            let subscription = EventSubscription(past: past, limit: limits.subscriber, includesConsole: includingConsole)
            if state.isFinished {
                subscription.cancel()
            } else {
                state.subscriptions.append(Subscriber(subscription: subscription))
            }
            return subscription
        }
    }

    /// Ends the log: returns when every recorder has every event, and ends the subscriptions. Must not be called by a recorder.
    public func finish() async {
        await withCheckedContinuation { continuation in
            let isQuiet = state.withLock { state in
                if state.isDelivering {
                    state.finishing.append(continuation)
                } else {
                    state.isFinished = true
                }
                return !state.isDelivering
            }
            if isQuiet { continuation.resume() }
        }
        let subscriptions = state.withLock { state in
            defer { state.subscriptions = [] }
            return state.subscriptions
        }
        for subscriber in subscriptions { subscriber.subscription?.cancel() }
    }

    private func redact(_ kind: LabEvent.Kind, node: String?) -> LabEvent.Kind {
        guard case .console = kind else { return kind.mappingStrings(redactor.redact) }
        // A private key on a console comes line by line, and only its first line says what it is.
        return consoles.withLock { consoles in
            var block = consoles[node ?? ""] ?? KeyBlock()
            defer { consoles[node ?? ""] = block }
            return kind.mappingStrings { redactor.redact($0, &block) }
        }
    }

    /// Gives an event its number and time, and hands it to history, subscribers and the queue, all within the lock: so neither has a gap.
    private func number(_ kind: LabEvent.Kind, node: String?, severity: LabEvent.Severity, _ state: inout State) {
        let event = LabEvent(sequence: state.nextSequence, time: EventTime.rounded(now()), severity: severity, node: node, kind: kind)
        state.nextSequence += 1
        state.pending.append(event)
        state.subscriptions.removeAll { $0.subscription?.push(event) != true }
        guard !event.isBulk else { return }
        state.history.append(event)
        // In pieces, because taking one from the front moves all the others.
        let surplus = state.history.count - limits.history
        guard surplus > limits.history / 10 else { return }
        state.forgotten = state.history[surplus - 1].sequence
        state.history.removeFirst(surplus)
    }

    private func deliver() {
        while true {
            let (events, recorders, finishing) = state.withLock {
                state -> ([LabEvent], [any EventRecorder], [CheckedContinuation<Void, Never>]) in
                let events = state.pending
                state.pending = []
                guard events.isEmpty else { return (events, state.recorders, []) }
                state.isDelivering = false
                // Not before: the last event's recorders may have had something to record.
                if !state.finishing.isEmpty { state.isFinished = true }
                defer { state.finishing = [] }
                return ([], [], state.finishing)
            }
            for event in events {
                for recorder in recorders { recorder.record(event) }
            }
            for waiting in finishing { waiting.resume() }
            if events.isEmpty { return }
        }
    }
}

extension LabEvent {
    /// Whether there are so many of its kind that the memory does not keep them.
    var isBulk: Bool {
        guard severity == .debug else { return false }
        switch kind {
        case .console, .machine: return true
        default: return false
        }
    }
}
