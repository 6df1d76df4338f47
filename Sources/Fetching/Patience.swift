/// How long an effort may go on: as long as it gets on, and then for a time without progress. Between tries it waits longer and longer, never the same for
/// two who failed together.
struct Patience {
    /// The time without progress.
    let limit: Duration
    private let now: () -> ContinuousClock.Instant
    private let random: (ClosedRange<Double>) -> Double
    private var lastProgress: ContinuousClock.Instant
    private var furthest: Int64
    private var failures = 0

    /// The number of tries that failed.
    private(set) var tries = 0

    /// - Parameters:
    ///   - limit: the time without progress after which it ends.
    ///   - furthest: how far it has come already, in bytes.
    init(
        limit: Duration, furthest: Int64 = 0, now: @escaping () -> ContinuousClock.Instant = { .now },
        random: @escaping (ClosedRange<Double>) -> Double = { .random(in: $0) }
    ) {
        (self.limit, self.furthest, self.now, self.random, lastProgress) = (limit, furthest, now, random, now())
    }

    /// What is left of the time.
    var rest: Duration { limit - (now() - lastProgress) }

    /// Tells how far it has come. Bytes that were there once before are none: a server that breaks off at one place for ever gets nowhere.
    mutating func reached(_ bytes: Int64) {
        guard bytes > furthest else { return }
        (furthest, lastProgress, failures) = (bytes, now(), 0)
    }

    /// How long to wait before the next try.
    ///
    /// - Parameter wish: what the server asked for.
    /// - Returns: nil when there is no time for another.
    mutating func pause(wish: Duration?) -> Duration? {
        tries += 1
        failures += 1
        // A client that comes back to the second stands in a queue with all others that were told the same.
        if let wish { return wish < rest ? wish + .milliseconds(Int64(random(0...250))) : nil }
        guard rest > .zero else { return nil }
        let longest = min(30, 0.5 * Double(1 << min(failures - 1, 10)))
        return min(.milliseconds(Int64(random(0.5...1) * longest * 1000)), rest)
    }
}
