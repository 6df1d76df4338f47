import Dispatch
import Glibc
import GuestShell
import LabEvents

extension OwnerState: EventRecorder {
    /// Follows the states that the lab reports by itself.
    func record(_ event: LabEvent) {
        if case .lab(let change) = event.kind { note(change.state) }
    }

    /// Ends the run when this process gets a signal; for the time of `body`.
    func endingAtSignals<Result>(_ body: () async -> Result) async -> Result {
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // Without this the default action would end the process before the source sees the signal.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in end(.signal(number, to: "the owner")) }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return await body()
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
