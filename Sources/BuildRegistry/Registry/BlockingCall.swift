import Dispatch
import Synchronization

/// Calls that read and write for seconds, made on threads of their own.
enum BlockingCall {
    private static let queue = DispatchQueue(label: "vmlab.registry.files", attributes: .concurrent)

    /// What a cancelled task tells the call that it waits for.
    final class Cancellation: Sendable {
        private let flag = Atomic(false)

        /// - Throws: `CancellationError` once the task is cancelled.
        func check() throws {
            if flag.load(ordering: .relaxed) { throw CancellationError() }
        }

        func cancel() { flag.store(true, ordering: .relaxed) }
    }

    /// Makes a call that asks now and then whether it is still wanted.
    static func run<T: Sendable>(_ body: @escaping @Sendable (Cancellation) throws -> T) async throws -> T {
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Result { try body(cancellation) }) }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }
}
