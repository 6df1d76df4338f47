/// Frames and their bytes, without check sequences.
public struct FrameCount: Sendable, Hashable, Codable {
    /// How many frames.
    public var frames: Int
    /// How many bytes they have.
    public var bytes: Int

    /// A count; of none by default.
    public init(frames: Int = 0, bytes: Int = 0) { (self.frames, self.bytes) = (frames, bytes) }

    mutating func add(_ size: Int) {
        frames += 1
        bytes += size
    }

    static func += (one: inout FrameCount, other: FrameCount) {
        one.frames += other.frames
        one.bytes += other.bytes
    }
}

/// What became of the frames of one direction of a cable since it was made.
///
/// received + duplicated = passed + ``dropped`` + waiting.
public struct DirectionCounters: Sendable, Hashable, Codable {
    /// What came in at one end.
    public var received = FrameCount()
    /// What the other end took.
    public var passed = FrameCount()
    /// Lost one by one, as asked for.
    public var lost = FrameCount()
    /// Lost in bursts, as asked for.
    public var burstLost = FrameCount()
    /// Dropped because a queue was full: the one before the rate, or that of an end that takes frames too slowly.
    public var queueFull = FrameCount()
    /// Dropped because nothing may pass.
    public var carrier = FrameCount()
    /// Dropped because a ``CableBlock`` said so.
    public var blocked = FrameCount()
    /// Dropped because nobody was at the other end: no guest has the socket, or the switch is gone.
    public var absent = FrameCount()
    /// Dropped because the other end refused them, or because they were too long to be read; of the latter the bytes are not known.
    public var refused = FrameCount()
    /// Copies that were made, as asked for.
    public var duplicated = FrameCount()
    /// Passed on with a bit turned, as asked for; with their copies.
    public var corrupted = FrameCount()
    /// Held back, as asked for; with their copies.
    public var reordered = FrameCount()
    /// What is on its way: it waits for its time, for the rate, or for room.
    public var waiting = FrameCount()

    /// Counters at zero.
    public init() {}

    /// What was dropped, for whatever reason.
    public var dropped: FrameCount {
        [lost, burstLost, queueFull, carrier, blocked, absent, refused].reduce(into: FrameCount()) { $0 += $1 }
    }
}

/// The counters of a cable.
public struct CableCounters: Sendable, Hashable, Codable {
    /// From the first end to the second.
    public var forward: DirectionCounters
    /// From the second end to the first.
    public var backward: DirectionCounters

    /// Counters of both directions.
    public init(forward: DirectionCounters = DirectionCounters(), backward: DirectionCounters = DirectionCounters()) {
        (self.forward, self.backward) = (forward, backward)
    }
}

extension CableCounters {
    /// The counters of this cable and of the one that took its place. What was on its way in this one never came: nobody was there to bring it.
    public func followed(by next: CableCounters) -> CableCounters {
        CableCounters(forward: forward.followed(by: next.forward), backward: backward.followed(by: next.backward))
    }
}

extension DirectionCounters {
    fileprivate func followed(by next: DirectionCounters) -> DirectionCounters {
        var sum = self
        sum.absent += sum.waiting
        sum.waiting = FrameCount()
        let counts: [WritableKeyPath<DirectionCounters, FrameCount>] = [
            \.received, \.passed, \.lost, \.burstLost, \.queueFull, \.carrier, \.blocked, \.absent, \.refused, \.duplicated, \.corrupted,
            \.reordered, \.waiting,
        ]
        for count in counts { sum[keyPath: count] += next[keyPath: count] }
        return sum
    }
}
