import Testing

@testable import VDE

/// The time is the test's own.
@Suite("A direction of a cable", .tier(.unit)) struct CableLaneTests {
    private struct Wire {
        var lane = CableLane(name: "c", direction: .forward, seed: 1)
        var arrivals: [(number: Int, time: Int64)] = []

        init(_ impairments: Impairments = Impairments()) { lane.impair(impairments, at: .zero) }

        var numbers: [Int] { arrivals.map(\.number) }

        mutating func send(_ number: Int, size: Int = 100, at time: Int64) {
            run(to: time)
            let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
            defer { frame.deallocate() }
            for place in 0..<size { frame[place] = 0 }
            frame.storeBytes(of: Int32(number), toByteOffset: 14, as: Int32.self)
            lane.accept(frame, at: Nanoseconds(count: time))
            take(time)
        }

        /// Lets pass what is due, at its time.
        mutating func run(to time: Int64) {
            while let due = lane.nextDue, due.count <= time { take(due.count) }
        }

        private mutating func take(_ time: Int64) {
            lane.ripen(Nanoseconds(count: time))
            while !lane.ready.isEmpty {
                let number = lane.removeReady().withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 14, as: Int32.self) }
                arrivals.append((Int(number), time))
            }
        }
    }

    @Test func `a delay is exact, and without one frames pass at once`() {
        var wire = Wire(Impairments(delay: .milliseconds(50)))
        for number in 0..<100 { wire.send(number, at: Int64(number) * 1_000_000) }
        wire.run(to: .max / 2)
        #expect(wire.arrivals.map(\.time) == (0..<100).map { Int64($0) * 1_000_000 + 50_000_000 })
        var idle = Wire()
        idle.send(1, at: 7)
        #expect(idle.arrivals.map(\.time) == [7])
        #expect(idle.lane.nextDue == nil)
    }

    @Test func `jitter keeps the order unless it is told not to`() {
        var wire = Wire(Impairments(delay: .milliseconds(50), jitter: .milliseconds(50)))
        var loose = Wire(Impairments(delay: .milliseconds(50), jitter: .milliseconds(50), jitterReorders: true))
        for number in 0..<1000 {
            wire.send(number, at: Int64(number) * 1_000_000)
            loose.send(number, at: Int64(number) * 1_000_000)
        }
        wire.run(to: .max / 2)
        loose.run(to: .max / 2)
        #expect(wire.numbers == Array(0..<1000))
        #expect(loose.numbers != Array(0..<1000))
        #expect(loose.numbers.sorted() == Array(0..<1000))
        let model = ImpairmentModel(loose.lane.impairments, seed: 1, cable: "c", direction: .forward)
        for (number, time) in loose.arrivals {
            #expect(time == Int64(number) * 1_000_000 + model.decision(for: UInt64(number)).delay.nanoseconds.count)
        }
    }

    @Test func `a rate lets bytes pass at its pace, after its burst`() {
        // 1000 bytes take 1 ms.
        var wire = Wire(Impairments(rate: .init(bitsPerSecond: 8_000_000, burst: 2000)))
        for number in 0..<10 { wire.send(number, size: 1000, at: 0) }
        wire.run(to: .max / 2)
        #expect(wire.arrivals.map(\.time) == [0, 0] + (1...8).map { $0 * 1_000_000 })
        // After a pause the burst is there again, and not more.
        let later: Int64 = 1_000_000_000
        for number in 10..<13 { wire.send(number, size: 1000, at: later) }
        wire.run(to: .max / 2)
        #expect(wire.arrivals.suffix(3).map(\.time) == [later, later, later + 1_000_000])
    }

    @Test func `the queue before a rate has its limit, in frames and in bytes`() {
        for limit in [Impairments.QueueLimit(frames: 5), Impairments.QueueLimit(bytes: 5000)] {
            var wire = Wire(Impairments(rate: .init(bitsPerSecond: 8_000_000, burst: 1000), queue: limit))
            for number in 0..<10 { wire.send(number, size: 1000, at: 0) }
            // One more when the first has left the queue.
            wire.send(10, size: 1000, at: 1_000_000)
            wire.run(to: .max / 2)
            #expect(wire.numbers == [0, 1, 2, 3, 4, 5, 10])
            #expect(wire.lane.counters.queueFull == FrameCount(frames: 4, bytes: 4000))
        }
    }

    @Test func `a frame that is held back goes behind as many as it was asked for, or after its time`() throws {
        let impairments = Impairments(reordering: .init(0.1, places: 3, holdLimit: .milliseconds(100)))
        var wire = Wire(impairments)
        for number in 0..<1000 { wire.send(number, at: Int64(number)) }
        let model = ImpairmentModel(impairments, seed: 1, cable: "c", direction: .forward)
        // What a pure model says: a frame's place is its own, or that of the third after it.
        let expected = (0..<1000).map { (key: $0 + (model.decision(for: UInt64($0)).isReordered ? 3 : 0), number: $0) }
            .sorted { ($0.key, $1.number) < ($1.key, $0.number) }.map(\.number)
        let held = (997..<1000).filter { model.decision(for: UInt64($0)).isReordered }
        #expect(wire.numbers.sorted() == (0..<1000).filter { !held.contains($0) })
        #expect(wire.numbers == expected.filter { !held.contains($0) })
        wire.run(to: 100_000_000 + 2000)
        #expect(wire.numbers.sorted() == Array(0..<1000))

        var lonely = Wire(Impairments(reordering: .init(1, places: 3, holdLimit: .milliseconds(100))))
        lonely.send(1, at: 5)
        lonely.run(to: .max / 2)
        #expect(lonely.arrivals.map(\.time) == [100_000_005])
    }

    @Test func `one bit behind the header is turned`() {
        var lane = CableLane(name: "c", direction: .forward, seed: 1)
        lane.impair(Impairments(corruption: 1), at: .zero)
        var bits: Set<Int> = []
        for tagged in [false, true] {
            for _ in 0..<2000 {
                var frame = [UInt8](repeating: 0, count: 20)
                if tagged { (frame[12], frame[13]) = (0x81, 0) }
                let original = frame
                frame.withUnsafeMutableBytes { lane.accept($0, at: .zero) }
                lane.ripen(.zero)
                let arrived = lane.removeReady()
                let turned = (0..<160).filter { (arrived[$0 / 8] ^ original[$0 / 8]) >> UInt8($0 % 8) & 1 == 1 }
                #expect(turned.count == 1)
                if tagged { #expect(turned.allSatisfy { $0 >= 18 * 8 }) } else { bits.formUnion(turned) }
            }
        }
        #expect(bits == Set(14 * 8..<160))
    }

    @Test func `a change lets no frame wait longer than a new one, and the carrier takes all`() {
        var wire = Wire(Impairments(delay: .seconds(10), reordering: .init(0.5, places: 100, holdLimit: .seconds(10))))
        for number in 0..<10 { wire.send(number, at: 0) }
        wire.lane.impair(Impairments(), at: Nanoseconds(count: 1000))
        wire.send(10, at: 2000)
        #expect(wire.numbers.sorted() == Array(0...10))
        #expect(wire.numbers.last == 10)
        #expect(wire.lane.isClear)

        var cut = Wire(Impairments(delay: .milliseconds(1)))
        cut.send(1, at: 0)
        cut.lane.setPassing(false)
        cut.send(2, at: 10)
        cut.lane.setPassing(true)
        cut.send(3, at: 20)
        cut.run(to: .max / 2)
        #expect(cut.numbers == [3])
        #expect(cut.lane.counters.carrier == FrameCount(frames: 2, bytes: 200))
    }

    @Test func `what comes is what passed, was dropped or waits`() {
        var wire = Wire(
            Impairments(
                delay: .milliseconds(1), jitter: .milliseconds(1), loss: 0.1, burstLoss: .init(0.1, meanLength: 3), duplication: 0.2,
                corruption: 0.1, reordering: .init(0.1, places: 2), rate: .init(bitsPerSecond: 1_000_000), queue: .init(frames: 20)))
        for number in 0..<2000 { wire.send(number, at: Int64(number) * 500_000) }
        let report = wire.lane.report
        #expect(report.received.frames == 2000)
        #expect(report.waiting.frames > 0)
        for reason in [report.lost, report.burstLost, report.queueFull, report.duplicated, report.corrupted, report.reordered] {
            #expect(reason.frames > 0)
            #expect(reason.bytes == reason.frames * 100)
        }
        #expect(report.received.frames + report.duplicated.frames == wire.numbers.count + report.dropped.frames + report.waiting.frames)
    }

    @Test func `memory is bounded`() {
        var wire = Wire(Impairments(delay: .seconds(10)))
        let size = 9000
        for number in 0..<(CableLane.byteLimit / size + 10) { wire.send(number, size: size, at: 0) }
        #expect(wire.lane.report.waiting.bytes <= CableLane.byteLimit)
        #expect(wire.lane.counters.queueFull.frames == 10)
    }
}
