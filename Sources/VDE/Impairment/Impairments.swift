public import LabEvents

/// What is done to the frames of one direction of a cable. Everything is off by default.
///
/// A frame passes, in this order: ``loss`` and ``burstLoss``, ``corruption``, ``duplication``, ``rate`` with its ``queue``, ``delay`` and
/// ``jitter``, ``reordering``. Fractions are from 0 to 1.
public struct Impairments: Sendable, Hashable, Codable {
    /// How long every frame takes.
    public var delay: Duration
    /// By how much the delay varies: evenly distributed from ``delay`` - `jitter` to ``delay`` + `jitter`, each frame for itself.
    public var jitter: Duration
    /// Whether a frame may overtake those before it when its delay is drawn shorter. Else it waits for them, as in a queue: of frames that
    /// come closer together than the jitter the longer delays show.
    public var jitterReorders: Bool
    /// The fraction that is lost, each frame for itself.
    public var loss: Double
    /// Loss of several frames in a row.
    public var burstLoss: BurstLoss?
    /// The fraction that comes twice. The copy follows the frame and takes its part of the rate.
    public var duplication: Double
    /// The fraction with one bit turned, anywhere behind the Ethernet header and its VLAN tags: the frame still goes where it should, and the
    /// check sums of what it carries find it. A copy has the same.
    public var corruption: Double
    /// Frames that come too late.
    public var reordering: Reordering?
    /// What the link carries in a second.
    public var rate: Rate?
    /// How much may wait for the rate.
    public var queue: QueueLimit

    /// Impairments; nothing is impaired by default.
    public init(
        delay: Duration = .zero, jitter: Duration = .zero, jitterReorders: Bool = false, loss: Double = 0, burstLoss: BurstLoss? = nil,
        duplication: Double = 0, corruption: Double = 0, reordering: Reordering? = nil, rate: Rate? = nil, queue: QueueLimit = QueueLimit()
    ) {
        (self.delay, self.jitter, self.jitterReorders, self.loss) = (delay, jitter, jitterReorders, loss)
        (self.burstLoss, self.duplication, self.corruption) = (burstLoss, duplication, corruption)
        (self.reordering, self.rate, self.queue) = (reordering, rate, queue)
    }

    /// Whether frames pass as they come.
    public var isNone: Bool {
        delay == .zero && jitter == .zero && loss == 0 && burstLoss == nil && duplication == 0 && corruption == 0 && reordering == nil
            && rate == nil
    }

    /// Checks what cannot be done.
    ///
    /// - Throws: a problem of kind `invalidInput` that names the part.
    public func validate() throws(Problem) {
        let fractions = [
            ("loss", loss), ("duplication", duplication), ("corruption", corruption), ("burst loss", burstLoss?.fraction ?? 0),
            ("reordering", reordering?.fraction ?? 0),
        ]
        for (name, fraction) in fractions where !(0...1).contains(fraction) {
            throw Self.invalid(name, "\(fraction) is not a fraction from 0 to 1")
        }
        let longest = Duration.seconds(600)
        if !(.zero...longest).contains(delay) { throw Self.invalid("delay", "\(delay) is not from 0 to \(longest)") }
        if !(.zero...delay).contains(jitter) { throw Self.invalid("jitter", "\(jitter) is not from 0 to the delay, \(delay)") }
        if let burstLoss, !(burstLoss.fraction < 1 && burstLoss.meanLength >= 1 && burstLoss.isPossible) {
            throw Self.invalid(
                "burst loss", "bursts of \(burstLoss.meanLength) frames cannot make a fraction of \(burstLoss.fraction)")
        }
        if let reordering, reordering.places < 1 || !(Duration.zero...longest).contains(reordering.holdLimit) {
            throw Self.invalid("reordering", "it is by \(reordering.places) places, for at most \(reordering.holdLimit)")
        }
        if let rate, rate.bitsPerSecond < 8 || rate.burst < 1 {
            throw Self.invalid("rate", "\(rate.bitsPerSecond) bit/s with a burst of \(rate.burst) bytes")
        }
        if queue.frames < 1 || queue.bytes < 1 { throw Self.invalid("queue", "\(queue.frames) frames, \(queue.bytes) bytes") }
    }

    private static func invalid(_ part: String, _ why: String) -> Problem {
        Problem(.invalidInput, "a cable cannot have this \(part)", why: why)
    }
}

extension Impairments {
    /// Loss in bursts, of the Gilbert model: the link is good or bad, a bad one loses every frame, and each frame may change it.
    public struct BurstLoss: Sendable, Hashable, Codable {
        /// The fraction of all frames that is lost; less than 1.
        public var fraction: Double
        /// How many frames in a row are lost, in the mean. The lengths are distributed geometrically.
        public var meanLength: Double

        /// A loss from its parts.
        public init(_ fraction: Double, meanLength: Double) { (self.fraction, self.meanLength) = (fraction, meanLength) }

        /// The probability that a frame ends a burst.
        var ending: Double { 1 / meanLength }
        /// The probability that a frame begins one.
        var beginning: Double { ending * fraction / (1 - fraction) }
        /// Whether a bad link is likelier to be bad for the next frame than a good one; without that, losses would not come in bursts.
        var isPossible: Bool { beginning + ending <= 1 }
    }

    /// Frames that are held back until others have passed.
    public struct Reordering: Sendable, Hashable, Codable {
        /// The fraction that is held back.
        public var fraction: Double
        /// Behind how many of the frames that come after it.
        public var places: Int
        /// How long it is held at most, when fewer frames come.
        public var holdLimit: Duration

        /// A reordering from its parts.
        public init(_ fraction: Double, places: Int, holdLimit: Duration = .milliseconds(100)) {
            (self.fraction, self.places, self.holdLimit) = (fraction, places, holdLimit)
        }
    }

    /// A token bucket. Bytes are those of frames as they pass here: without preamble, check sequence and gap.
    public struct Rate: Sendable, Hashable, Codable {
        /// bit/s.
        public var bitsPerSecond: Int
        /// How many bytes may pass at once after a pause.
        public var burst: Int

        /// A rate; the burst is two frames of full length by default.
        public init(bitsPerSecond: Int, burst: Int = 3036) { (self.bitsPerSecond, self.burst) = (bitsPerSecond, burst) }

        /// How long some bytes take.
        func time(_ bytes: Int) -> Nanoseconds { Nanoseconds(count: Int64(Double(bytes) * 8e9 / Double(bitsPerSecond))) }
    }

    /// How much may wait for the rate; what comes then is dropped, and counted.
    public struct QueueLimit: Sendable, Hashable, Codable {
        /// Frames.
        public var frames: Int
        /// Bytes.
        public var bytes: Int

        /// A limit; a thousand frames by default, as network cards of Linux have.
        public init(frames: Int = 1000, bytes: Int = .max) { (self.frames, self.bytes) = (frames, bytes) }
    }
}
