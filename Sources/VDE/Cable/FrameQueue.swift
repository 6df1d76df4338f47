/// Frames that wait for their time, the earliest first; those of one time in their order.
struct FrameQueue {
    struct Entry {
        var due: Nanoseconds
        var bytes: [UInt8]
    }

    private var entries: [Entry] = []
    /// Where the first one is; those before it are empty.
    private var head = 0
    /// The bytes of all.
    private(set) var byteCount = 0

    var count: Int { entries.count - head }
    var isEmpty: Bool { entries.count == head }
    var first: Entry? { isEmpty ? nil : entries[head] }

    /// The bytes of a frame, counted from the first.
    func bytes(_ place: Int) -> [UInt8] { entries[head + place].bytes }

    /// Adds a frame. Nearly always it is the last one; one that is not costs the moving of those after it.
    mutating func insert(_ entry: Entry) {
        byteCount += entry.bytes.count
        guard let last = entries.last, !isEmpty, entry.due < last.due else { return entries.append(entry) }
        var (low, high) = (head, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].due <= entry.due { low = middle + 1 } else { high = middle }
        }
        entries.insert(entry, at: low)
    }

    /// Takes the first one.
    mutating func removeFirst() -> Entry {
        let entry = entries[head]
        byteCount -= entry.bytes.count
        entries[head].bytes = []
        head += 1
        if isEmpty {
            entries.removeAll(keepingCapacity: entries.count <= 1024)
            head = 0
        } else if head >= 1024, head * 2 >= entries.count {
            entries.removeFirst(head)
            head = 0
        }
        return entry
    }

    /// Makes all due at a time at the latest; their order stays.
    mutating func hurry(_ latest: Nanoseconds) {
        for place in head..<entries.count where entries[place].due > latest { entries[place].due = latest }
    }

    /// Empties the queue.
    ///
    /// - Returns: what was in it.
    mutating func removeAll() -> FrameCount {
        defer { self = FrameQueue() }
        return FrameCount(frames: count, bytes: byteCount)
    }
}
