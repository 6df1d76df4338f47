import Glibc

/// The sides of a direction, while frames pass.
struct CableWay {
    var source: EndSocket
    var sink: EndSocket
    var batch: FrameBatch
    var sourceTaps: [(number: Int, tap: any FrameTap)] = []
    var sinkTaps: [(number: Int, tap: any FrameTap)] = []
    /// What happened to the two.
    var sourceChange: LinkEndChange?
    var sinkChange: LinkEndChange?
}

extension CableLane {
    /// Moves frames straight from one socket to another; for a clear lane without taps.
    ///
    /// - Returns: from where on frames of the batch are left over; nil when none are.
    mutating func relay(_ batch: FrameBatch, from source: Int32, to sink: Int32) -> Int? {
        let relay = batch.relay(from: source, to: sink, turns: Self.turns)
        counters.received += relay.received
        counters.passed += relay.received
        if relay.oversized > 0 { refuse(oversized: relay.oversized) }
        guard relay.taken < batch.count else { return nil }
        let rest = batch.size(relay.taken..<batch.count)
        counters.passed.frames -= rest.frames
        counters.passed.bytes -= rest.bytes
        return relay.taken
    }

    private mutating func refuse(oversized: Int) {
        counters.refused.frames += oversized
        counters.received.frames += oversized
    }

    /// How many batches are taken before the other direction, and whoever calls, gets its turn.
    private static let turns = 8

    /// Moves frames of one direction: those that came, then those whose time has come.
    mutating func pass(_ way: inout CableWay, hasInput: Bool, hasRoom: Bool) {
        if hasRoom { setRoom() } else if isFull { setFull(at: .now) }
        if hasInput {
            for _ in 0..<Self.turns {
                if let change = way.source.read(into: way.batch) { way.sourceChange = change }
                if way.batch.oversized > 0 { refuse(oversized: way.batch.oversized) }
                if way.batch.count > 0 { take(&way) }
                // A smaller batch says that nearly all is read; the next poll finds the rest.
                if way.batch.count < 4 || pauseEnd != nil { break }
            }
        }
        if !flying.isEmpty || !held.isEmpty { ripen(.now) }
        if !isFull, !ready.isEmpty { flush(&way) }
    }

    private mutating func take(_ way: inout CableWay) {
        let batch = way.batch
        if !way.sourceTaps.isEmpty {
            let time = Nanoseconds.wall.count
            for place in 0..<batch.count { show(UnsafeRawBufferPointer(batch[place]), way.sourceTaps, isFromEnd: true, time) }
        }
        if isClear {
            counters.received += batch.size(0..<batch.count)
            return forward(&way)
        }
        let now = Nanoseconds.now
        for place in 0..<batch.count { accept(batch[place], at: now) }
        ripen(now)
    }

    /// Gives the sink a batch as it came, from a place on.
    mutating func forward(_ way: inout CableWay, from start: Int = 0) {
        let batch = way.batch
        var place = start
        switch write(&way, from: &place) {
        case .all, .refused: break
        case .full:
            for rest in place..<batch.count { keep(batch[rest]) }
            setFull(at: .now)
        case .gone:
            counters.absent += batch.size(place..<batch.count)
        }
    }

    /// Gives the sink what waits for it.
    private mutating func flush(_ way: inout CableWay) {
        while !ready.isEmpty {
            way.batch.clear()
            for place in 0..<min(ready.count, FrameBatch.capacity) { way.batch.append(ready.bytes(place)) }
            var place = 0
            let writing = write(&way, from: &place)
            for _ in 0..<place { _ = removeReady() }
            switch writing {
            case .all, .refused: continue
            case .full:
                setFull(at: .now)
                return
            case .gone: return dropReady()
            }
        }
    }

    /// Writes a batch, and counts; a frame that the sink refuses is left out.
    private mutating func write(_ way: inout CableWay, from place: inout Int) -> EndSocket.Writing {
        while true {
            let start = place
            let (writing, change) = way.sink.write(way.batch, from: &place)
            if let change { way.sinkChange = change }
            if place > start { counters.passed += way.batch.size(start..<place) }
            if !way.sinkTaps.isEmpty, place > start {
                let time = Nanoseconds.wall.count
                for taken in start..<place { show(UnsafeRawBufferPointer(way.batch[taken]), way.sinkTaps, isFromEnd: false, time) }
            }
            guard case .refused = writing else { return writing }
            counters.refused.add(way.batch[place].count)
            place += 1
        }
    }

    private func show(_ frame: UnsafeRawBufferPointer, _ taps: [(number: Int, tap: any FrameTap)], isFromEnd: Bool, _ time: Int64) {
        for tap in taps { tap.tap.see(frame, isFromEnd: isFromEnd, time: time) }
    }
}
