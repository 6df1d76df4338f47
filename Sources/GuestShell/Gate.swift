import Synchronization

/// Something that many wait for: closed, open with a value, or failed. It can close and open again.
package final class Gate<Value: Sendable>: Sendable {
    /// A closed gate.
    package init() {}

    private enum State {
        case closed
        case open(Value)
        case failed(any Error)
    }

    private struct Guarded {
        var state = State.closed
        var nextID = 0
        var waiters: [Int: CheckedContinuation<Value, any Error>] = [:]
    }

    private let guarded = Mutex(Guarded())

    /// The value when the gate is open.
    package var value: Value? {
        guarded.withLock { if case .open(let value) = $0.state { value } else { nil } }
    }

    /// Waits until the gate is open.
    ///
    /// - Throws: what the gate failed with, or `CancellationError`.
    package func wait() async throws -> Value {
        let id = guarded.withLock { guarded in
            guarded.nextID += 1
            return guarded.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let now: Result<Value, any Error>? = guarded.withLock { guarded in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    switch guarded.state {
                    case .open(let value): return .success(value)
                    case .failed(let error): return .failure(error)
                    case .closed:
                        guarded.waiters[id] = continuation
                        return nil
                    }
                }
                if let now { continuation.resume(with: now) }
            }
        } onCancel: {
            let waiter = guarded.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    package func close() {
        guarded.withLock { $0.state = .closed }
    }

    package func open(_ value: Value) {
        settle(.open(value), .success(value))
    }

    package func fail(_ error: any Error) {
        settle(.failed(error), .failure(error))
    }

    private func settle(_ state: State, _ result: Result<Value, any Error>) {
        let waiters = guarded.withLock { guarded in
            guarded.state = state
            defer { guarded.waiters = [:] }
            return guarded.waiters.values.map { $0 }
        }
        for waiter in waiters { waiter.resume(with: result) }
    }
}

/// Runs `body`; when it has not ended after `limit`, it is cancelled and `error` is thrown.
func withLimit<Result: Sendable>(
    _ limit: Duration, orThrow error: GuestShellError, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw error
        }
        guard let result = try await group.next() else { throw error }
        return result
    }
}
