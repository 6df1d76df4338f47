import Dispatch
import GuestShell
import Glibc
import LabEvents

/// A signal that asked the process to end.
struct Interruption: Error {
    let signal: Int32

    /// `SIGINT`, `SIGTERM` or `SIGHUP`.
    var name: String {
        switch signal {
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        default: "SIGHUP"
        }
    }
}

/// An error of a module that has a form for the command line.
protocol ProblemConvertible: Error {
    var problem: Problem { get }
}

extension GuestShellError: ProblemConvertible {}

/// Gives SIGINT, SIGTERM and SIGHUP to `body` as they come, instead of ending the process.
func withSignalStream(_ body: (AsyncStream<Int32>) async throws -> Void) async throws {
    let (signals, submit) = AsyncStream.makeStream(of: Int32.self)
    let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
        // Without this the default action would end the process before the source sees the signal.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { submit.yield(number) }
        source.resume()
        return source
    }
    defer { for source in sources { source.cancel() } }
    try await body(signals)
}

/// Runs `body`; SIGINT, SIGTERM and SIGHUP cancel it, so that every scope in it is left in order, and become the error of the whole.
func withSignals(_ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withSignalStream { signals in
        try await withThrowingTaskGroup(of: Interruption?.self) { tasks in
            tasks.addTask {
                for await number in signals { return Interruption(signal: number) }
                return nil
            }
            tasks.addTask {
                try await body()
                return nil
            }
            var interruption: Interruption?
            do {
                while let finished = try await tasks.next() {
                    guard interruption == nil, let caught = finished else { break }
                    interruption = caught
                    tasks.cancelAll()
                }
            } catch  where interruption != nil {}
            tasks.cancelAll()
            if let interruption { throw interruption }
        }
    }
}
