/// A token bucket with a queue before it.
struct Shaper {
    private struct Waiting {
        var departure: Nanoseconds
        var size: Int
    }

    private var waiting: [Waiting] = []
    private var head = 0
    private var bytes = 0
    /// When the bucket was, or will be, empty.
    private var emptyAt = Nanoseconds(count: .min / 2)

    /// When a frame that comes now has passed.
    ///
    /// - Returns: nil when the queue is full.
    mutating func departure(
        of size: Int, at now: Nanoseconds, rate: Impairments.Rate, limit: Impairments.QueueLimit
    ) -> Nanoseconds? {
        while head < waiting.count, waiting[head].departure <= now {
            bytes -= waiting[head].size
            head += 1
        }
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head * 2 >= waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
        // What has not yet filled the bucket is what may pass at once.
        let start = max(emptyAt, now - rate.time(rate.burst))
        let departure = max(now, start + rate.time(size))
        if departure > now {
            guard waiting.count - head < limit.frames, bytes <= limit.bytes - size else { return nil }
            waiting.append(Waiting(departure: departure, size: size))
            bytes += size
        }
        emptyAt = start + rate.time(size)
        return departure
    }
}
