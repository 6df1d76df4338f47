import GuestShell
import LabEvents

extension OwnerState: EventRecorder {
    /// Follows the states that the lab reports by itself.
    func record(_ event: LabEvent) {
        if case .lab(let change) = event.kind { note(change.state) }
    }

    /// Ends the run when this process gets a signal; for the time of `body`.
    ///
    /// - Parameter signals: as they come. Nobody else may listen for them: Dispatch gives a signal to one of its sources alone.
    func ending<Result: Sendable>(at signals: AsyncStream<Int32>, _ body: () async -> Result) async -> Result {
        await withTaskGroup(of: Void.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask { for await number in signals { self.end(.signal(number, to: "the owner")) } }
            return await body()
        }
    }

    /// The run directory cannot be written.
    func evidenceFailed(_ problem: Problem) {
        if let lab { lab.context.fail(problem) } else { end(.unfit(problem)) }
    }

    /// Runs `body`; when somebody wants the end of the run it is cancelled, and the wish is the error.
    func stoppable<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask { throw try await self.stop.wait() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}
