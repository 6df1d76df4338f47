/// How often one end wants to hear the other.
public enum LACPRate: String, Sendable, Codable, CaseIterable {
    /// Every 30 s; 90 s of silence are a loss.
    case slow
    /// Every second; 3 s of silence are a loss.
    case fast
}

/// The times of LACP (IEEE 802.1AX-2014, 6.4.4). Tests shorten them.
struct LACPTimes: Sendable, Hashable {
    /// Between two LACPDUs to a far end with the short timeout; also the interval of the transmit limit.
    var fastPeriod = Duration.seconds(1)
    /// Between two LACPDUs to a far end with the long timeout.
    var slowPeriod = Duration.seconds(30)
    /// The silence that expires a port with the short timeout.
    var shortTimeout = Duration.seconds(3)
    /// The silence that expires a port with the long timeout.
    var longTimeout = Duration.seconds(90)
    /// How long an end may be out of sync before it counts as churning.
    var churnDetection = Duration.seconds(60)
    /// How long a port waits for others, so that they join an aggregator at once.
    var aggregateWait = Duration.seconds(2)
    /// The LACPDUs in one fast period (6.4.16).
    var transmitLimit = 3

    /// All durations divided by a factor.
    func faster(by factor: Int) -> LACPTimes {
        var times = self
        for path in [
            \LACPTimes.fastPeriod, \.slowPeriod, \.shortTimeout, \.longTimeout, \.churnDetection, \.aggregateWait,
        ] as [WritableKeyPath<LACPTimes, Duration> & Sendable] {
            times[keyPath: path] = self[keyPath: path] / factor
        }
        return times
    }
}
