import VMLab

/// What became of pings that a guest sent one after the other.
public struct PingReport: Sendable, Equatable {
    /// Pings in a row that nobody answered.
    public struct Gap: Sendable, Equatable {
        /// The number of the first of them; the first ping of all is 0.
        public var first: Int
        /// How many.
        public var count: Int
        /// From the first ping of all until the first of these was sent.
        public var begin: Duration
        /// How many times the interval.
        public var duration: Duration
    }

    /// Where they were sent.
    public var address: String
    /// The time from one to the next.
    public var interval: Duration
    /// How many were sent. Those that were still on their way at the end do not count.
    public var sent: Int
    /// The numbers of those that were answered, in order; the first ping of all is 0.
    public var answered: [Int]
    /// How long the answers took, in the order in which they came.
    public var roundTrips: [Duration]

    /// How many were not answered.
    public var lost: Int { sent - answered.count }
    /// When the first ping was sent that was answered, from the first one of all; nil when none was.
    public var firstAnswer: Duration? { answered.first.map { interval * $0 } }
    /// When the last ping was sent that was answered, from the first one of all; nil when none was.
    public var lastAnswer: Duration? { answered.last.map { interval * $0 } }
    /// All pings in a row that nobody answered, in order.
    public var gaps: [Gap] {
        zip([-1] + answered, answered + [sent]).filter { $1 - $0 > 1 }.map { before, after in
            Gap(first: before + 1, count: after - before - 1, begin: interval * (before + 1), duration: interval * (after - before - 1))
        }
    }
    /// The longest of ``gaps``, the first of several; nil when every ping was answered.
    public var longestGap: Gap? { gaps.reduce(nil) { longest, gap in gap.count > longest?.count ?? 0 ? gap : longest } }
    /// The arithmetic mean of the round trips; nil without answers.
    public var meanRoundTrip: Duration? { roundTrips.isEmpty ? nil : roundTrips.reduce(.zero, +) / roundTrips.count }
}

extension PingReport: CustomStringConvertible {
    /// `14 of 212 pings lost, gap 280 ms`, or `212 pings, none lost`.
    public var description: String {
        guard let gap = longestGap else { return "\(sent) pings, none lost" }
        return "\(lost) of \(sent) pings lost, gap \(Int((gap.duration.seconds * 1000).rounded())) ms"
            + (gap.count == lost ? "" : " (\(gap.count) in a row)")
    }
}
