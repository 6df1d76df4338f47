import GuestShell
import LabEvents
public import VMLab

/// Asserts that a condition holds, and goes on to hold for a time.
///
/// - Parameters:
///   - condition: what must hold, from its first answer on.
///   - duration: how long. It is not multiplied by the pace: it is a property of what is tested.
///   - budget: how long the first answer may take, on a host of pace 1.
/// - Throws: a ``Problem`` as soon as the answer is no, when it cannot be asked, and when the guest is lost.
@discardableResult
public func assertStays(
    _ condition: Condition, for duration: Duration, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line
) async throws -> WaitReport {
    try await during(condition, "for \(duration.seconds.rounded(to: 1)) s", budget, file: file, line: line) { tally in
        try await Task.sleep(for: duration)
        return tally.report(condition.what)
    }
}

/// Runs `body` while a condition holds. When it breaks, or cannot be asked any more, `body` is cancelled and the condition is the error.
///
/// - Parameters:
///   - condition: what must hold; `body` begins when it does for the first time.
///   - budget: how long the first answer may take, on a host of pace 1.
/// - Throws: a ``Problem`` that names the condition, with what was seen; what `body` throws.
public func during<Result: Sendable>(
    _ condition: Condition, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await during(condition, "during what was done", budget, file: file, line: line) { _ in try await body() }
}

private func during<Result: Sendable>(
    _ condition: Condition, _ rest: String, _ budget: Budget, file: String, line: Int,
    _ body: @escaping @Sendable (WaitTally) async throws -> Result
) async throws -> Result {
    let isKnown = Gate<Bool>()
    let tally = WaitTally { answer in if isKnown.value == nil, answer.kind == .yes { isKnown.open(true) } }
    let wait = Wait(condition.askedFully, goal: .init(kind: .no), tally: tally, file: file, line: line)
    return try await withThrowingTaskGroup(of: Result.self) { group in
        defer { group.cancelAll() }
        group.addTask {
            // The condition itself has no limit: the body has.
            let end = try await wait.run(.none)
            throw await wait.broken(end, rest)
        }
        group.addTask {
            try await withThrowingTaskGroup(of: Void.self) { first in
                defer { first.cancelAll() }
                first.addTask { _ = try await isKnown.wait() }
                first.addTask {
                    try await Task.sleep(for: budget.scaled(by: condition.node?.pace ?? 1))
                    throw await wait.broken(.late, rest)
                }
                _ = try await first.next()
            }
            return try await body(tally)
        }
        guard let result = try await group.next() else { throw CancellationError() }
        return result
    }
}

extension Condition {
    /// The same, for a watch that must not miss anything: what could not be asked ends it too.
    fileprivate var askedFully: Condition {
        var copy = Condition(what, node: node) { watch in
            let unknown = Gate<Bool>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                var inner = watch
                inner.report = { answer, tries in
                    watch.report(answer, tries)
                    if answer.kind == .couldNotAsk, unknown.value == nil { unknown.open(true) }
                }
                group.addTask { [inner] in try await self.watch(inner) }
                group.addTask { _ = try await unknown.wait() }
                _ = try await group.next()
            }
        }
        copy.evidence = evidence
        return copy
    }
}
