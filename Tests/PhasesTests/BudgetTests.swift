import LabEvents
@testable import Phases
import Testing
import VMLab

@Suite("Budgets of waits", .tier(.unit))
struct BudgetTests {
    @Test("A wait that says nothing else has a minute")
    func wait() { #expect(Budget.wait.limit == .seconds(60)) }

    @Test("The limit that an error names is the one that was used up: it does not shrink when the host is faster again")
    func limit() async throws {
        let condition = Condition("the moon is blue") { .no("it is white") }
        let wait = Wait(condition, file: "here", line: 1)
        #expect(wait.tally.worst(40) == 40 && wait.tally.worst(20) == 40)
        let budget = Budget("test", .milliseconds(10))
        guard case .late = try await wait.run(.budget(budget)) else {
            Issue.record("the wait ended otherwise")
            return
        }
        let why = await wait.problem(.late, budget).why ?? ""
        #expect(wait.tally.waited >= .milliseconds(400) && why.contains("s of 0.4 s (budget 'test' 0.0 s, pace 40.0)"), "\(why)")
    }
}
