/// What waits to leave at an end of a link aggregation: a bounded queue, with room ahead of it for what is urgent.
struct FrameOutlet {
    /// How many frames wait behind the batch that is being written.
    static let limit = 256
    /// How long a full outlet may hold up those who send to it without taking one frame. A switch that stands still would else keep the
    /// guest's LACPDUs from being read.
    static let patience = Duration.milliseconds(100)

    private let batch = FrameBatch()
    private var place = 0
    private var backlog: [[UInt8]] = []
    /// Where the backlog begins; what is before was sent.
    private var head = 0
    private var urgent: [[UInt8]] = []
    /// Whether the end had no room when it was last written to.
    private(set) var isFull = false
    /// When it was full for the first time since it last took a frame.
    private var fullSince: Duration?

    /// How a flush ended.
    struct Flush {
        var dropped = 0
        var change: LinkEndChange?
    }

    /// Until when those who send should not be read; nil for now.
    func holdsUp(at now: Duration) -> Duration? {
        guard let fullSince, backlog.count - head >= Self.limit else { return nil }
        let end = fullSince + Self.patience
        return end > now ? end : nil
    }

    /// Puts a frame at the end.
    ///
    /// - Returns: false when there is no room for it.
    mutating func append(_ frame: UnsafeMutableRawBufferPointer) -> Bool {
        if head == backlog.count, batch.count < FrameBatch.capacity {
            batch.append(UnsafeRawBufferPointer(frame))
            return true
        }
        guard backlog.count - head < Self.limit else { return false }
        backlog.append(Array(frame))
        return true
    }

    /// Puts a frame before all others; of many the last are kept.
    mutating func hurry(_ frame: [UInt8]) { urgent = urgent.suffix(7) + [frame] }

    /// Writes as far as there is room.
    mutating func flush(_ socket: EndSocket, with letter: FrameBatch, at now: Duration) -> Flush {
        var flush = Flush()
        isFull = false
        while let frame = urgent.first, !isFull {
            letter.clear()
            letter.append(frame)
            var sent = 0
            let (writing, change) = socket.write(letter, from: &sent)
            flush.change = change ?? flush.change
            isFull = writing == .full
            if !isFull { urgent.removeFirst() }
        }
        while place < batch.count, !isFull {
            let before = place
            let (writing, change) = socket.write(batch, from: &place)
            flush.change = change ?? flush.change
            if place > before { fullSince = nil }
            switch writing {
            case .all: refill()
            case .full: isFull = true
            case .refused:
                flush.dropped += 1
                place += 1
                if place == batch.count { refill() }
            case .gone:
                flush.dropped += discard()
            }
        }
        if !isFull { fullSince = nil } else if fullSince == nil { fullSince = now }
        return flush
    }

    /// Drops what waits, but what is urgent: a leg that is out of use may carry nothing more of a flow that goes on at another one.
    ///
    /// - Returns: how many frames it was.
    mutating func discard() -> Int {
        let count = batch.count - place + backlog.count - head
        guard count > 0 else { return 0 }
        (backlog, head) = ([], 0)
        refill()
        return count
    }

    /// Makes the next batch of what waits.
    private mutating func refill() {
        batch.clear()
        place = 0
        while head < backlog.count, batch.count < FrameBatch.capacity {
            batch.append(backlog[head])
            head += 1
        }
        if head == backlog.count { (backlog, head) = ([], 0) }
    }
}
