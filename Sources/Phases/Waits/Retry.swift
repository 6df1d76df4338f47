import LabEvents
public import VMLab

extension Lab {
    /// Runs `body` again until it does not throw.
    ///
    /// - Parameters:
    ///   - what: what is tried, for the log and the error.
    ///   - attempts: how many times at most.
    ///   - delay: between the end of one attempt and the next.
    ///   - settle: when not zero, `body` must succeed once more that much later, or the attempt has failed.
    ///   - onFailure: called after each failed attempt, with its number, before the delay.
    ///   - logEvery: every so many failed attempts are told; 1 for each.
    /// - Throws: a ``Problem`` with the number of attempts, the time, and the last attempt's error. A cancellation, and the loss of a node, end it at once.
    public func retry<Result: Sendable>(
        _ what: String, attempts: Int, delay: Duration = .seconds(1), settle: Duration = .zero,
        onFailure: ((Int, any Error) async throws -> Void)? = nil, logEvery: Int = 1, file: String = #fileID, line: Int = #line,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await Retry(what: what, attempts: attempts, delay: delay, settle: settle, logEvery: logEvery, file: file, line: line)
            .run(onFailure: onFailure, tell: { events.message($0) }, body)
    }
}

extension Node {
    /// Runs `body` again until it does not throw; see ``VMLab/Lab/retry(_:attempts:delay:settle:onFailure:logEvery:file:line:_:)``.
    public func retry<Result: Sendable>(
        _ what: String, attempts: Int, delay: Duration = .seconds(1), settle: Duration = .zero,
        onFailure: ((Int, any Error) async throws -> Void)? = nil, logEvery: Int = 1, file: String = #fileID, line: Int = #line,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await Retry(
            what: "\(name): \(what)", attempts: attempts, delay: delay, settle: settle, logEvery: logEvery, file: file, line: line
        )
        .run(onFailure: onFailure, tell: { events.message($0, node: name) }, isLost: { lossNow }, body)
    }
}

/// The attempts of one `retry`.
struct Retry {
    var what: String
    var attempts: Int
    var delay = Duration.seconds(1)
    var settle = Duration.zero
    var logEvery = 1
    var file: String
    var line: Int

    func run<Result: Sendable>(
        onFailure: ((Int, any Error) async throws -> Void)?, tell: (String) -> Void, isLost: () -> String? = { nil },
        _ body: () async throws -> Result
    ) async throws -> Result {
        let begin = ContinuousClock.now
        func problem(_ number: Int, _ error: any Error, _ reason: String) -> Problem {
            Problem(
                .failure, "\(what): \(reason)", location: "\(file):\(line)",
                why: "\(number) of \(attempts) attempts in \(begin.duration(to: .now).seconds.rounded(to: 1)) s; the last one: \(error)")
        }
        guard attempts > 0 else { throw Problem(.invalidInput, "\(what): \(attempts) attempts are none", location: "\(file):\(line)") }
        var number = 1
        while true {
            do {
                let result = try await body()
                guard settle > .zero else { return result }
                try await Task.sleep(for: settle)
                return try await body()
            } catch let error as CancellationError {
                throw error
            } catch {
                try Task.checkCancellation()
                try await onFailure?(number, error)
                if let loss = isLost() { throw problem(number, error, "the node is lost: \(loss)") }
                guard number < attempts else { throw problem(number, error, "no attempt succeeded") }
                if number.isMultiple(of: max(1, logEvery)) { tell("\(what): attempt \(number) of \(attempts) failed: \(error)") }
                try await Task.sleep(for: delay)
                number += 1
            }
        }
    }
}
