import LabEvents
public import VMLab

extension Condition {
    /// Waits until the answer is yes.
    ///
    /// - Parameters:
    ///   - budget: how long, on a host of pace 1.
    ///   - settle: how long it must then hold.
    /// - Throws: a ``Problem`` that says what was waited for, how long against which budget, how often it was asked, what was seen last, where the node stands,
    ///   and the caller's source line: when the budget is used up, when it can no longer come, and at once when the guest is lost, stands still or restarts.
    @discardableResult
    public func wait(_ budget: Budget = .wait, settle: Duration = .zero, file: String = #fileID, line: Int = #line) async throws
        -> WaitReport
    {
        let budget = node?.budget(budget) ?? budget
        let wait = Wait(self, goal: Goal(kind: .yes, settle: settle), file: file, line: line)
        let end = try await wait.run(.budget(budget))
        guard case .reached = end else {
            let problem = await wait.problem(end, budget)
            record("failed", wait.tally)
            throw problem
        }
        record("yes", wait.tally)
        return wait.tally.report(what)
    }

    /// Tells the log of a wait that has ended.
    private func record(_ outcome: String, _ tally: WaitTally) {
        let run = LabEvent.CommandRun(
            command: "wait for \(what)", outcome: outcome, seconds: tally.waited.seconds.rounded(to: 3),
            output: String(tally.text.suffix(1024)))
        node?.events.record(.command(run), node: node?.name, severity: .debug)
    }
}
