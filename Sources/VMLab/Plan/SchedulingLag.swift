/// How much later than asked this process is woken: a sign, while the lab runs, that the host's processors are busy.
///
/// Whoever measures sleeps for a short time again and again and feeds in what came of it. One long standstill counts at once and in full, and is
/// forgotten over the following seconds: an average would hide it.
public struct SchedulingLag: Sendable, Equatable {
    /// How late a wake-up may be without meaning anything: timer slack and a host that is busy but well.
    public static let tolerance: Duration = .milliseconds(20)
    /// The delay beyond ``tolerance`` that adds 1 to the factor.
    public static let unit: Duration = .milliseconds(100)
    /// The highest factor.
    public static let limit = 10.0
    /// How much of an old factor each second leaves.
    static let keptPerSecond = 0.9

    /// What time limits are multiplied by now, 1 to ``limit``.
    public private(set) var factor = 1.0

    /// No lag so far.
    public init() {}

    /// Takes one measurement.
    ///
    /// - Parameters:
    ///   - expected: how long the sleep was to take.
    ///   - actual: how long it took.
    public mutating func record(expected: Duration, actual: Duration) {
        let late = max(0, (actual - expected - Self.tolerance) / Self.unit)
        let kept = max(0, 1 - (1 - Self.keptPerSecond) * (actual / .seconds(1)))
        factor = min(Self.limit, 1 + max(late, (factor - 1) * kept))
    }
}
