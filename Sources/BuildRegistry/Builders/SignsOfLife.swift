import Synchronization

/// When a builder was last heard, and what it said then.
final class SignsOfLife: Sendable {
    private let last = Mutex((heard: ContinuousClock.now, activity: "its start"))

    /// Something was heard.
    func heard() { last.withLock { $0.heard = .now } }

    /// It said what it is doing.
    func doing(_ activity: String) { last.withLock { $0 = (.now, activity) } }

    /// What it said last.
    var activity: String { last.withLock { $0.activity } }

    /// For how long nothing was heard, seconds.
    var silence: Double {
        let silence = last.withLock { $0.heard }.duration(to: .now)
        return Double(silence.components.seconds) + Double(silence.components.attoseconds) / 1e18
    }
}
