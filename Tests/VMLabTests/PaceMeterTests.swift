import LabEvents
import Synchronization
import Testing

@testable import VMLab

/// Time limits on a host whose pace changes.
@Suite("Pace and budgets", .tier(.unit))
struct PaceMeterTests {
    @Test("A late wake-up raises the pace, the worst is kept, and calm lowers it again")
    func lag() {
        let meter = PaceMeter(2)
        #expect(meter.current == 2)
        meter.record(.milliseconds(100))
        #expect(meter.current == 2)
        meter.record(.milliseconds(320))
        #expect(meter.current == 6)
        for _ in 0..<2000 { meter.record(.milliseconds(100)) }
        #expect(meter.current < 2.1)
        #expect(meter.worst == 6)
    }

    @Test("A budget follows the pace that the host has when its time would be up, and its error has the numbers")
    func budget() async {
        let asked = Mutex(0)
        let pace: @Sendable () -> Double = {
            asked.withLock { asked in
                asked += 1
                return asked == 1 ? 1 : 3
            }
        }
        let begin = ContinuousClock.now
        let problem = await #expect(throws: Problem.self) {
            try await Budget("test", .milliseconds(100)).run(pace: pace, waitingFor: "nothing", observed: { "an empty street" }) {
                try await Task.sleep(for: .seconds(3600))
            }
        }
        #expect(begin.duration(to: .now) >= .milliseconds(300))
        #expect(problem?.what == "budget 'test' is used up: nothing")
        #expect(problem?.why?.hasSuffix("at pace 3.0); last seen: an empty street") == true)
    }
}
