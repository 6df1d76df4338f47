import CVDEPlug
import Glibc

/// A point in time of the monotonic clock, or a time between two, in nanoseconds. Cheaper in the frames' path than `ContinuousClock`.
struct Nanoseconds: Comparable, Hashable, Sendable {
    var count: Int64

    static let zero = Nanoseconds(count: 0)

    static var now: Nanoseconds { of(CLOCK_MONOTONIC) }

    /// The time of day, since 1970.
    static var wall: Nanoseconds { of(CLOCK_REALTIME) }

    static func milliseconds(_ count: Int64) -> Nanoseconds { Nanoseconds(count: count * 1_000_000) }

    private static func of(_ clock: clockid_t) -> Nanoseconds {
        var time = timespec()
        clock_gettime(clock, &time)
        return Nanoseconds(count: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    static func < (one: Nanoseconds, other: Nanoseconds) -> Bool { one.count < other.count }
    static func + (one: Nanoseconds, other: Nanoseconds) -> Nanoseconds { Nanoseconds(count: one.count + other.count) }
    static func - (one: Nanoseconds, other: Nanoseconds) -> Nanoseconds { Nanoseconds(count: one.count - other.count) }
}

extension Duration {
    /// The duration in whole nanoseconds; at most an hour either way, which no impairment needs.
    var nanoseconds: Nanoseconds {
        let bounded = min(max(self, .seconds(-3600)), .seconds(3600))
        let (seconds, attoseconds) = bounded.components
        return Nanoseconds(count: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
