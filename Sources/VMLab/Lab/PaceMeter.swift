import Synchronization

/// How slow the host is while a lab runs: the planned pace times the lag with which this process is woken now.
final class PaceMeter: Sendable {
    private struct State {
        var lag = SchedulingLag()
        var worst: Double
    }

    private let planned: Double
    private let state: Mutex<State>
    private static let interval = Duration.milliseconds(100)

    /// - Parameter planned: the pace of the plan, 1 or more.
    init(_ planned: Double) {
        self.planned = planned
        state = Mutex(State(worst: planned))
    }

    /// The pace now.
    var current: Double { state.withLock { planned * $0.lag.factor } }
    /// The worst so far.
    var worst: Double { state.withLock { $0.worst } }

    /// Measures until cancelled.
    func measure() async {
        while !Task.isCancelled {
            let begin = ContinuousClock.now
            guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
            record(begin.duration(to: .now))
        }
    }

    func record(_ actual: Duration) {
        state.withLock { state in
            state.lag.record(expected: Self.interval, actual: actual)
            state.worst = max(state.worst, planned * state.lag.factor)
        }
    }
}
