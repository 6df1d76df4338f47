import FoundationEssentials
import Glibc

/// One direction of a cable: what becomes of a frame between its arrival and the other end. Pure: the time is passed in.
struct CableLane {
    /// How many frames wait for an end that has no room. Twice what a network card of Linux has in its rings.
    static let readyLimit = 512
    /// How many of them are enough for a while, and for how long: frames that are not read wait where they come from, which costs less than
    /// to read and drop them. An end that takes nothing for longer is nobody's matter but its own.
    static let pressure = (frames: 32, time: Nanoseconds.milliseconds(20))
    /// How many bytes are on their way at most: a quarter of a second at 1 Gbit/s.
    static let byteLimit = 32 << 20

    struct Held {
        /// The index of the frame behind which it goes.
        var index: UInt64
        var limit: Nanoseconds
        var bytes: [UInt8]
    }

    let name: String
    let direction: LinkDirection
    let seed: UInt64
    private(set) var impairments = Impairments()
    private(set) var isPassing = true
    private(set) var blocks = CableBlocks()
    var counters = DirectionCounters()
    /// Frames whose time has come.
    private(set) var ready = FrameQueue()
    /// Since when the end has no room for the first of ``ready``; nil when it has.
    private(set) var fullSince: Nanoseconds?

    /// Whether the end has had no room for longer than ``pressure``.
    private var isOverdue = false
    private var model: ImpairmentModel?
    /// How many frames have come since the impairments were set.
    private var index: UInt64 = 0
    private(set) var flying = FrameQueue()
    private(set) var held: [Held] = []
    private var heldBytes = 0
    private var shaper = Shaper()
    private var lastDue = Nanoseconds.zero

    init(name: String, direction: LinkDirection, seed: UInt64) {
        (self.name, self.direction, self.seed) = (name, direction, seed)
    }

    /// Whether frames may go straight to the other end.
    var isClear: Bool { model == nil && isPassing && blocks.isEmpty && flying.isEmpty && held.isEmpty && ready.isEmpty }

    /// Whether the end had no room for the first of ``ready``.
    var isFull: Bool { fullSince != nil }

    /// Until when nothing should be read, unless the end gets room earlier; nil when it may.
    var pauseEnd: Nanoseconds? {
        guard let fullSince, model == nil, ready.count >= Self.pressure.frames, !isOverdue else { return nil }
        return fullSince + Self.pressure.time
    }

    /// When something is to be done without an arrival; nil for never.
    var nextDue: Nanoseconds? {
        if isFull { return pauseEnd }
        if !ready.isEmpty { return .zero }
        guard let first = flying.first else { return held.first?.limit }
        return held.first.map { min($0.limit, first.due) } ?? first.due
    }

    /// The counters with what is on its way.
    var report: DirectionCounters {
        var report = counters
        report.waiting = FrameCount(
            frames: flying.count + held.count + ready.count, bytes: flying.byteCount + heldBytes + ready.byteCount)
        return report
    }
}

// MARK: - Live changes

extension CableLane {
    /// Sets what is done to frames that come from now on. Those on their way take no longer than new ones would.
    mutating func impair(_ impairments: Impairments, at now: Nanoseconds) {
        self.impairments = impairments
        model = impairments.isNone ? nil : ImpairmentModel(impairments, seed: seed, cable: name, direction: direction)
        index = 0
        let latest = now + (impairments.delay + impairments.jitter).nanoseconds
        for frame in held { flying.insert(FrameQueue.Entry(due: max(lastDue, now), bytes: frame.bytes)) }
        (held, heldBytes) = ([], 0)
        flying.hurry(latest)
        lastDue = min(lastDue, latest)
        shaper = Shaper()
    }

    /// Lets frames pass or not. Those on their way are lost with the carrier.
    mutating func setPassing(_ isPassing: Bool) {
        self.isPassing = isPassing
        guard !isPassing else { return }
        counters.carrier += flying.removeAll()
        counters.carrier += ready.removeAll()
        counters.carrier += FrameCount(frames: held.count, bytes: heldBytes)
        (held, heldBytes, shaper) = ([], 0, Shaper())
        setRoom()
    }

    /// Blocks frames that come from now on, or no longer when `block` is nil.
    mutating func block(_ key: UUID, _ block: CableBlock?) { blocks.set(key, block) }

    /// Drops what waits for an end at which nobody is.
    mutating func dropReady() {
        counters.absent += ready.removeAll()
        setRoom()
    }

    /// Notes that the end has no room, or still none.
    mutating func setFull(at now: Nanoseconds) {
        let since = fullSince ?? now
        fullSince = since
        isOverdue = now - since >= Self.pressure.time
    }

    /// Notes that the end has room.
    mutating func setRoom() { (fullSince, isOverdue) = (nil, false) }
}

// MARK: - A frame's way

extension CableLane {
    /// Takes a frame that has come.
    mutating func accept(_ frame: UnsafeMutableRawBufferPointer, at now: Nanoseconds) {
        counters.received.add(frame.count)
        guard isPassing else { return counters.carrier.add(frame.count) }
        guard !blocks.drop(frame) else { return counters.blocked.add(frame.count) }
        guard let decision = model?.nextDecision(for: index) else { return fly(Array(frame), due: max(now, lastDue)) }
        defer { release(index, at: now) }
        switch decision.loss {
        case .single: return counters.lost.add(frame.count)
        case .burst: return counters.burstLost.add(frame.count)
        case nil: break
        }
        if let bit = decision.corruption { corrupt(frame, bit) }
        let bytes = Array(frame)
        for copy in 0..<(decision.isDuplicated ? 2 : 1) {
            if copy > 0 { counters.duplicated.add(bytes.count) }
            guard let departure = shape(bytes.count, at: now) else {
                counters.queueFull.add(bytes.count)
                continue
            }
            if decision.corruption != nil { counters.corrupted.add(bytes.count) }
            var due = departure + decision.delay.nanoseconds
            if !impairments.jitterReorders { due = max(due, lastDue) }
            if decision.isReordered, let reordering = impairments.reordering {
                counters.reordered.add(bytes.count)
                heldBytes += bytes.count
                held.append(Held(index: index + UInt64(reordering.places), limit: due + reordering.holdLimit.nanoseconds, bytes: bytes))
            } else {
                fly(bytes, due: due)
            }
        }
    }

    /// Moves the frames whose time has come to ``ready``.
    mutating func ripen(_ now: Nanoseconds) {
        while let first = held.first, first.limit <= now { letGo(at: now) }
        while let first = flying.first, first.due <= now {
            let entry = flying.removeFirst()
            if ready.count < Self.readyLimit { ready.insert(entry) } else { counters.queueFull.add(entry.bytes.count) }
        }
    }

    /// Frames that went straight to the end, but for which it had no room.
    mutating func keep(_ frame: UnsafeMutableRawBufferPointer) {
        if ready.count < Self.readyLimit {
            ready.insert(FrameQueue.Entry(due: .zero, bytes: Array(frame)))
        } else {
            counters.queueFull.add(frame.count)
        }
    }

    /// Takes the first frame whose time has come.
    mutating func removeReady() -> [UInt8] { ready.removeFirst().bytes }

    private mutating func fly(_ bytes: [UInt8], due: Nanoseconds) {
        guard flying.byteCount + heldBytes + bytes.count <= Self.byteLimit else { return counters.queueFull.add(bytes.count) }
        lastDue = max(lastDue, due)
        flying.insert(FrameQueue.Entry(due: due, bytes: bytes))
    }

    /// Lets go what waited for a frame, behind that.
    private mutating func release(_ passed: UInt64, at now: Nanoseconds) {
        index = passed + 1
        while let first = held.first, first.index <= passed { letGo(at: now) }
    }

    private mutating func letGo(at now: Nanoseconds) {
        let frame = held.removeFirst()
        heldBytes -= frame.bytes.count
        fly(frame.bytes, due: max(lastDue, now))
    }

    /// When bytes are through the rate; nil when the queue before it is full.
    private mutating func shape(_ size: Int, at now: Nanoseconds) -> Nanoseconds? {
        guard let rate = impairments.rate else { return now }
        return shaper.departure(of: size, at: now, rate: rate, limit: impairments.queue)
    }

    private func corrupt(_ frame: UnsafeMutableRawBufferPointer, _ number: UInt64) {
        var start = 14
        while frame.count >= start + 4, [0x8100, 0x88A8].contains(Int(frame[start - 2]) << 8 | Int(frame[start - 1])) { start += 4 }
        guard frame.count > start else { return }
        let bit = Int(number % UInt64((frame.count - start) * 8))
        frame[start + bit / 8] ^= 1 << UInt8(bit % 8)
    }
}
