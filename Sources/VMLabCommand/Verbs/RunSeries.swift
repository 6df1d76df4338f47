import FoundationEssentials
import LabEvents
import Synchronization
import VMLab

/// Several runs, one after the other.
struct RunSeries: Sendable {
    /// How often each scenario runs; nil without end.
    var repetitions: Int?
    /// Whether a failure ends the repetitions.
    var untilFailure: Bool
    /// How often a failed run is tried again.
    var retries: Int
    /// Whether a failure ends everything.
    var failFast: Bool
    /// Whether standard output is for events.
    var json: Bool

    /// What one run came to.
    private struct Row {
        var scenario: String
        var verdict: String
        var code: Int32
        var seconds: Double
        var run: RunDirectory
        var note = ""
    }

    /// Runs scenarios.
    ///
    /// - Parameters:
    ///   - signals: of this process. One ends the run under way and what would follow.
    ///   - once: runs a scenario once.
    /// - Returns: the exit code: 0, or that of the first failure; 128+n after a signal.
    func run(
        _ scenarios: [Scenario], signals: AsyncStream<Int32>,
        once: @escaping (Scenario, AsyncStream<Int32>) async throws -> (code: Int32, run: RunDirectory)
    ) async throws -> Int32 {
        // A stream ends with its first reader, and each run has one.
        let relay = SignalRelay()
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask { for await signal in signals { relay.send(signal) } }
            var rows: [Row] = []
            loop: for scenario in scenarios {
                var round = 0
                while repetitions.map({ round < $0 }) ?? true, relay.received == nil {
                    round += 1
                    let row = try await tryOne(scenario, relay, once)
                    rows.append(row)
                    guard row.code != 0 else { continue }
                    if failFast { break loop }
                    if untilFailure { break }
                }
            }
            show(rows)
            if let signal = relay.received { return 128 + signal }
            return rows.first { $0.code == 1 }?.code ?? rows.first { $0.code != 0 }?.code ?? 0
        }
    }

    /// A run, and others while it fails and may be tried again.
    private func tryOne(
        _ scenario: Scenario, _ relay: SignalRelay, _ once: (Scenario, AsyncStream<Int32>) async throws -> (code: Int32, run: RunDirectory)
    ) async throws -> Row {
        var failed: [RunDirectory] = []
        while true {
            let begin = ContinuousClock.now
            let (code, run) = try await once(scenario, relay.stream())
            let seconds = begin.duration(to: .now).seconds
            var row = Row(scenario: scenario.name, verdict: Self.verdict(code), code: code, seconds: seconds, run: run)
            if code == 1, failed.count < retries, relay.received == nil {
                failed.append(run)
                Terminal.note("\(scenario.name) failed; trying again (\(failed.count) of \(retries)); the evidence: \(run.path)")
                continue
            }
            if let first = failed.first {
                if code == 0 { row.verdict = Verdict.flaky.words }
                row.note =
                    (code == 0 ? "failed before: " : "also failed: ")
                    + (failed.count > 1 ? failed.map(\.path).joined(separator: " ") : first.path)
            } else if code != 0 {
                row.note = run.path
            }
            return row
        }
    }

    private static func verdict(_ code: Int32) -> String {
        switch code {
        case 0: Verdict.passed.words
        case 3: Verdict.environment.words
        case 75: "busy"
        case 128...: "interrupted"
        default: Verdict.failed.words
        }
    }

    private func show(_ rows: [Row]) {
        let table = TextTable.lines(
            [["SCENARIO", "VERDICT", "SECONDS", "RUN", "EVIDENCE"]]
                + rows.map { [$0.scenario, $0.verdict, "\($0.seconds.rounded(to: 1))", $0.run.identifier, $0.note] })
        for line in table { if json { Terminal.note(line) } else { Terminal.print(line) } }
    }
}

/// Hands a process's signals to whichever run listens.
private final class SignalRelay: Sendable {
    private struct State {
        var listener: AsyncStream<Int32>.Continuation?
        var first: Int32?
    }

    private let state = Mutex(State())

    /// The first signal.
    var received: Int32? { state.withLock { $0.first } }

    func send(_ signal: Int32) {
        let listener = state.withLock { state in
            state.first = state.first ?? signal
            return state.listener
        }
        listener?.yield(signal)
    }

    /// The signals from now on; a former listener gets no more.
    func stream() -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let missed = state.withLock { state in
            state.listener = continuation
            return state.first
        }
        // One that came before the run did is for it too.
        if let missed { continuation.yield(missed) }
        return stream
    }
}
