import Dispatch

/// A thread for calls that wait for a disk, so that the pool's threads do not.
struct FileQueue: Sendable {
    private let queue = DispatchQueue(label: "vmlab.fetching.files")

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in queue.async { continuation.resume(with: Result { try body() }) } }
    }
}
