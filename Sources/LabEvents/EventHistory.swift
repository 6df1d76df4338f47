import Synchronization

/// A growing list that any number of tasks read, each from the first element on, and wait at its end for more.
///
/// Nothing is dropped: whoever comes late sees what happened before. The sequence ends when the source ends or when the reading task is
/// cancelled.
public final class EventHistory<Element: Sendable>: AsyncSequence, Sendable {
    private struct State {
        var elements: [Element] = []
        var isFinished = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// An empty history.
    public init() {}

    /// What happened so far.
    public var snapshot: [Element] { state.withLock { $0.elements } }

    /// How many elements there are; `history.dropFirst(history.count)` reads only what happens from now on.
    public var count: Int { state.withLock { $0.elements.count } }

    /// Adds an element and wakes every reader. Ignored after ``finish()``.
    public func append(_ element: Element) {
        wake { state in
            if !state.isFinished { state.elements.append(element) }
        }
    }

    /// Ends the history: readers get what is left, then nil.
    public func finish() {
        wake { $0.isFinished = true }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// A reader that starts at the first element.
    public func makeAsyncIterator() -> Iterator { Iterator(history: self) }

    /// One reader's place in the history.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let history: EventHistory
        private var index = 0

        fileprivate init(history: EventHistory) {
            self.history = history
        }

        /// The next element, as soon as there is one; nil at the end or when the task is cancelled.
        public mutating func next() async -> Element? {
            await next(isolation: nil)
        }

        /// The next element, as soon as there is one; nil at the end or when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            while true {
                let (element, isFinished) = history.state.withLock { state in
                    (index < state.elements.count ? state.elements[index] : nil, state.isFinished)
                }
                if let element {
                    index += 1
                    return element
                }
                if isFinished || Task.isCancelled { return nil }
                await history.wait(beyond: index)
            }
        }
    }

    /// Waits until there are more elements than a number, the history ends, or the task is cancelled.
    private func wait(beyond count: Int) async {
        let identifier = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = state.withLock { state in
                    // A cancellation before this point has already run its handler and found no waiter, so it is checked under the lock.
                    if state.elements.count > count || state.isFinished || Task.isCancelled { return true }
                    state.waiters[identifier] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: identifier) }?.resume()
        }
    }
}
