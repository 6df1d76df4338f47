import Foundation
import GuestShell
import LabEvents
import Synchronization
import Testing
import VMLab

@testable import Phases

/// Waits for conditions that are asked in this process.
@Suite("Waits", .tier(.unit), .timeLimit(.minutes(5)))
struct WaitTests {
    /// Gives its answers one after the other, and the last again and again.
    final class Answers: Sendable {
        private let rest: Mutex<[Answer]>
        init(_ answers: Answer...) { rest = Mutex(answers) }
        func next() -> Answer { rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
        var condition: Condition { Condition("it rains") { self.next() } }
    }

    private let short = Budget("test", .milliseconds(200))

    @Test("A wait ends with the first yes and counts what it asked")
    func success() async throws {
        let report = try await Answers(.no("a"), .couldNotAsk("b"), .yes("wet")).condition.wait()
        #expect(report.what == "it rains" && report.tries == 3 && report.observation == "wet")
    }

    @Test("Time-out, could-not-ask and can-no-longer-come are told apart, each with what was seen and the source line")
    func failures() async throws {
        let cases: [(Answers, String, String)] = [
            (Answers(.no("dry")), "budget 'test' is used up: it rains", "last answer: no: dry"),
            (
                Answers(.couldNotAsk("no window")), "budget 'test' is used up, and it could not be asked: it rains",
                "last answer: could not ask: no window"
            ),
            (
                Answers(.no("dry"), .couldNotAsk("no window")), "budget 'test' is used up, and it could not be asked: it rains",
                "the last answer before: no: dry"
            ),
            (Answers(.no("desert", isFinal: true)), "can no longer come: it rains", "1 try, last answer: no: desert"),
            (Answers(.couldNotAsk("blind", isFinal: true)), "could not ask: it rains", "last answer: could not ask: blind"),
        ]
        for (answers, what, why) in cases {
            let problem = await #expect(throws: Problem.self) { try await answers.condition.wait(short, file: "F.swift", line: 7) }
            #expect(problem?.what == what)
            #expect(problem?.why?.contains(why) == true, "\(problem?.why ?? "")")
            #expect(problem?.why?.contains("(budget 'test' 0.2 s, pace 1.0)") == true)
            #expect(problem?.location == "F.swift:7")
        }
    }

    @Test("Evidence is asked for once, when the wait was in vain")
    func evidence() async throws {
        var condition = Answers(.no()).condition
        condition.evidence = { "clouds: none" }
        let problem = await #expect(throws: Problem.self) { try await condition.wait(short) }
        #expect(problem?.why?.hasSuffix("clouds: none") == true)
    }

    @Test("An error of the check is no answer")
    func throwing() async throws {
        let condition = Condition("it rains") { throw Problem(.failure, "no window") }
        let problem = await #expect(throws: Problem.self) { try await condition.wait(short) }
        #expect(problem?.why?.contains("could not ask: error: no window") == true)
    }

    @Test("The opposite: no is yes, and could-not-ask stays what it is")
    func negation() async throws {
        let report = try await (!Answers(.yes("wet"), .couldNotAsk("x"), .no("dry")).condition).wait()
        #expect(report.what == "not: it rains" && report.tries == 3 && report.observation == "dry")
    }

    @Test("With a settle time a break begins it anew")
    func settle() async throws {
        let begin = ContinuousClock.now
        let report = try await Answers(.yes(), .no(), .yes()).condition.wait(settle: .milliseconds(200))
        #expect(report.tries > 3 && begin.duration(to: .now) > .milliseconds(200))
    }

    @Test("A cancelled wait ends as cancelled")
    func cancellation() async throws {
        let condition = Answers(.no()).condition
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await condition.wait(Budget("long", .seconds(3600))) }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test("Several conditions: as long as the slowest; each that fails is named")
    func several() async throws {
        let reports = try await eventually([Answers(.yes("1")).condition, Answers(.no(), .no(), .yes("2")).condition])
        #expect(reports.map(\.observation) == ["1", "2"])
        let problem = await #expect(throws: Problem.self) {
            try await eventually([Answers(.yes()).condition, Answers(.no("x")).condition, Answers(.no("y")).condition], short)
        }
        #expect(problem?.what == "budget 'test' is used up for 2 of 3 conditions")
        #expect(problem?.why?.contains("no: x") == true && problem?.why?.contains("no: y") == true)
        let final = await #expect(throws: Problem.self) {
            try await eventually([Answers(.no()).condition, Answers(.no("z", isFinal: true)).condition], Budget("long", .seconds(3600)))
        }
        #expect(final?.what == "can no longer come: it rains")
    }

    @Test("What should stay: it stays, it breaks, it never was, it cannot be asked")
    func stays() async throws {
        let report = try await assertStays(Answers(.yes("wet")).condition, for: .milliseconds(100))
        #expect(report.tries > 1)
        let cases: [(Answers, String)] = [
            (Answers(.yes(), .yes(), .no("dry")), "did not stay for 60.0 s: it rains"),
            (Answers(.no("dry")), "did not stay for 60.0 s: it rains"),
            (Answers(.yes(), .couldNotAsk("x")), "could not ask whether it stays for 60.0 s: it rains"),
        ]
        for (answers, what) in cases {
            let problem = await #expect(throws: Problem.self) { try await assertStays(answers.condition, for: .seconds(60)) }
            #expect(problem?.what == what)
        }
    }

    @Test("A condition that breaks in the middle cancels what is done meanwhile, and is the error")
    func during() async throws {
        let wasCancelled = Mutex(false)
        let problem = await #expect(throws: Problem.self) {
            try await Phases.during(Answers(.yes(), .yes(), .no("dry")).condition) {
                do { try await Task.sleep(for: .seconds(3600)) } catch { wasCancelled.withLock { $0 = true } }
            }
        }
        #expect(problem?.what == "did not stay during what was done: it rains")
        #expect(wasCancelled.withLock { $0 })
        #expect(try await Phases.during(Answers(.yes()).condition) { 5 } == 5)
        await #expect(throws: POSIXError.self) { try await Phases.during(Answers(.yes()).condition) { throw POSIXError(.EIO) } }
    }

    @Test("Attempts: the first that succeeds, the last that fails, the delay, the settle time, the log")
    func retry() async throws {
        let count = Mutex(0)
        let told = Mutex<[String]>([])
        let failures = Mutex<[Int]>([])
        func attempt(_ attempts: Int, settle: Duration = .zero, logEvery: Int = 1, succeedsFrom first: Int) async throws -> Int {
            count.withLock { $0 = 0 }
            return try await Retry(
                what: "join", attempts: attempts, delay: .milliseconds(1), settle: settle, logEvery: logEvery, file: "F", line: 1
            )
            .run(onFailure: { number, _ in failures.withLock { $0.append(number) } }, tell: { text in told.withLock { $0.append(text) } }) {
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                if number < first { throw Problem(.failure, "not yet \(number)") }
                return number
            }
        }
        #expect(try await attempt(5, succeedsFrom: 3) == 3)
        #expect(failures.withLock { $0 } == [1, 2])
        #expect(told.withLock { $0.first } == "join: attempt 1 of 5 failed: error: not yet 1")
        #expect(try await attempt(5, settle: .milliseconds(1), succeedsFrom: 3) == 4)
        let problem = await #expect(throws: Problem.self) { try await attempt(4, logEvery: 3, succeedsFrom: 9) }
        #expect(problem?.what == "join: no attempt succeeded" && problem?.location == "F:1")
        #expect(problem?.why?.contains("4 of 4 attempts") == true && problem?.why?.contains("not yet 4") == true)
        #expect(told.withLock { $0.count } == 2 + 2 + 1)
        await #expect(throws: Problem.self) { try await attempt(0, succeedsFrom: 1) }
    }
}
