import Phases
import Testing
import VMLab

@Suite("Budgets of waits", .tier(.unit))
struct BudgetTests {
    @Test("A wait that says nothing else has a minute")
    func wait() { #expect(Budget.wait.limit == .seconds(60)) }
}
