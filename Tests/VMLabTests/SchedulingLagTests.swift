import Testing

@testable import VMLab

@Suite(.tier(.unit)) struct SchedulingLagTests {
    @Test func `a healthy host has no factor`() {
        var lag = SchedulingLag()
        for _ in 0..<100 { lag.record(expected: .milliseconds(200), actual: .milliseconds(215)) }
        #expect(lag.factor == 1)
        lag.record(expected: .milliseconds(200), actual: .milliseconds(190))
        #expect(lag.factor == 1)
    }

    @Test func `a standstill counts at once and is forgotten over seconds`() {
        var lag = SchedulingLag()
        lag.record(expected: .milliseconds(200), actual: .milliseconds(520))
        #expect(abs(lag.factor - 4) < 0.001)
        for _ in 0..<5 { lag.record(expected: .milliseconds(200), actual: .milliseconds(200)) }
        #expect(lag.factor > 3.6 && lag.factor < 3.8)
        for _ in 0..<300 { lag.record(expected: .milliseconds(200), actual: .milliseconds(200)) }
        #expect(lag.factor < 1.01)
    }

    @Test func `lag that goes on keeps the factor, and there is a limit`() {
        var lag = SchedulingLag()
        for _ in 0..<20 { lag.record(expected: .milliseconds(100), actual: .milliseconds(220)) }
        #expect(abs(lag.factor - 2) < 0.001)
        lag.record(expected: .milliseconds(100), actual: .seconds(3600))
        #expect(lag.factor == SchedulingLag.limit)
    }
}
