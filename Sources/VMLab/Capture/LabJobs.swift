import LabEvents
import Synchronization

/// Work that a lab's own tasks do, so that it comes to its end although the task that wanted it is cancelled.
final class LabJobs: Sendable {
    private struct State {
        /// How those who wait hear that the lab has ended.
        var waiting: [Int: @Sendable () -> Void] = [:]
        var last = 0
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let submit: AsyncStream<@Sendable () async -> Void>.Continuation

    init() { (jobs, submit) = AsyncStream.makeStream() }

    /// Works until the task is cancelled.
    func serve() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
        let left = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [:] }
            return state.waiting.values.map { $0 }
        }
        for end in left { end() }
    }

    /// Lets something be done without waiting for it. Nothing happens when the lab has ended.
    func start(_ body: @escaping @Sendable () async -> Void) { submit.yield(body) }

    /// Lets something be done and waits for its end, whether this task is cancelled or not.
    ///
    /// - Throws: what `body` throws; `CancellationError` when the lab ends first.
    func perform<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, any Error>, Never>) in
            let number: Int? = state.withLock { state in
                if state.hasEnded { return nil }
                state.last += 1
                state.waiting[state.last] = { continuation.resume(returning: .failure(CancellationError())) }
                return state.last
            }
            guard let number else { return continuation.resume(returning: .failure(CancellationError())) }
            submit.yield {
                let result: Result<Value, any Error>
                do { result = .success(try await body()) } catch { result = .failure(error) }
                let isAwaited = self.state.withLock { $0.waiting.removeValue(forKey: number) != nil }
                if isAwaited { continuation.resume(returning: result) }
            }
        }.get()
    }
}
