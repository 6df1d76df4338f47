import LabEvents
public import VMLab

/// Waits until a condition holds on every one of several nodes, all at once: it takes as long as the slowest.
///
/// - Parameters:
///   - nodes: which.
///   - kind: what is asked of each.
///   - budget: how long, on a host of pace 1.
///   - settle: how long it must then hold, for each node by itself.
/// - Returns: one report for each node, in their order.
/// - Throws: a ``Problem`` that names every node on which it does not hold, with what was seen there; at once when one is lost, or when it can no longer come on one.
@discardableResult
public func eventually(
    on nodes: [Node], _ kind: NodeCondition, _ budget: Budget = .wait, settle: Duration = .zero, file: String = #fileID, line: Int = #line
) async throws -> [WaitReport] {
    try await eventually(nodes.map { $0.condition(kind) }, budget, settle: settle, file: file, line: line)
}

/// Waits until every one of several conditions holds, each asked by itself at the same time; see ``eventually(on:_:_:settle:file:line:)``.
@discardableResult
public func eventually(
    _ conditions: [Condition], _ budget: Budget = .wait, settle: Duration = .zero, file: String = #fileID, line: Int = #line
) async throws -> [WaitReport] {
    let budget = conditions.first?.node?.budget(budget) ?? budget
    let waits = conditions.map { Wait($0, goal: .init(kind: .yes, settle: settle), file: file, line: line) }
    let reports = try await withThrowingTaskGroup(of: (Int, Result<WaitReport, Problem>).self) { group in
        defer { group.cancelAll() }
        for (index, wait) in waits.enumerated() {
            group.addTask {
                switch try await wait.run(.budget(budget)) {
                case .reached: return (index, .success(wait.tally.report(wait.condition.what)))
                case .late: return (index, .failure(await wait.problem(.late, budget)))
                case let end: throw await wait.problem(end, budget)
                }
            }
        }
        var reports: [Int: Result<WaitReport, Problem>] = [:]
        while let (index, report) = try await group.next() { reports[index] = report }
        return waits.indices.compactMap { reports[$0] }
    }
    let failures = reports.compactMap { report -> Problem? in if case .failure(let problem) = report { problem } else { nil } }
    guard let first = failures.first else { return try reports.map { try $0.get() } }
    guard conditions.count > 1 else { throw first }
    throw Problem(
        .failure, "budget '\(budget.name)' is used up for \(failures.count) of \(conditions.count) conditions", location: "\(file):\(line)",
        why: failures.map { $0.what + ($0.why.map { "\n" + $0 } ?? "") }.joined(separator: "\n"))
}
