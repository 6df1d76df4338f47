import Glibc
import LabEvents
import Testing

@testable import VDE

/// Frames a second from a switch to a guest's sockets, through a cable and through a link aggregation, in the same run.
@Suite("Speed of link aggregations", .tier(.contract), .timeLimit(.minutes(5))) struct LinkAggregationSpeedTests {
    @Test(arguments: [60, 1514]) func `a link aggregation is about as fast as a cable`(_ size: Int) async throws {
        var (cables, aggregations): ([Double], [Double]) = ([], [])
        try await TestAggregation.with { all in
            all.bond.countOnly()
            let port = LinkEnd.segment(all.vdeSwitch.configuration.socketFolder, port: 3)
            let leg = LinkEnd.guest(local: all.folder.path + "/c", remote: all.folder.path + "/d")
            try await withCable("c", from: port, to: leg, seed: 1) { cable in
                try await FakeBond.with([leg], times: TestAggregation.times, isSilent: true) { other in
                    other.countOnly()
                    // In turns, so that what else the host does meets both. What is flooded reaches both, so one is closed.
                    for _ in 0..<5 {
                        try all.lag.setCarrier(0, false)
                        try all.lag.setCarrier(1, false)
                        cables.append(try await flood(all, size, other))
                        for leg in 0..<2 { try all.lag.setCarrier(leg, true) }
                        try await all.waitUntilUp()
                        cable.setPassing(false)
                        aggregations.append(try await flood(all, size, all.bond))
                        cable.setPassing(true)
                    }
                }
            }
            let spread = all.lag.status.legs.map(\.counters.toGuest.frames)
            #expect(spread.allSatisfy { $0 > 0 })
        }
        // The best round of each is the one that the host disturbed least.
        let ratio = (aggregations.max() ?? 0) / (cables.max() ?? 1)
        print("\(size) bytes: cable \(cables.map { Int($0) }), aggregation \(aggregations.map { Int($0) }) frames/s; ratio \(ratio)")
        #expect(ratio > 0.5)
    }

    /// Sends 64 flows into the switch as fast as it takes them.
    ///
    /// - Returns: how many frames a second come out.
    private func flood(_ all: TestAggregation, _ size: Int, _ sink: FakeBond) async throws -> Double {
        let flood = Flood(.segment(all.vdeSwitch.configuration.socketFolder, port: 4), size)
        let (before, begin) = (sink.count, ContinuousClock.now)
        guard startThread(flood, { $0.run() }) == 0 else { throw Problem(.failure, "no thread") }
        for await _ in flood.ended {}
        return Double(sink.count - before) / ((ContinuousClock.now - begin) / .seconds(1))
    }

    /// A thread that sends for half a second.
    private final class Flood: Sendable {
        private let end: LinkEnd
        private let size: Int
        let ended: AsyncStream<Void>
        private let signal: AsyncStream<Void>.Continuation

        init(_ end: LinkEnd, _ size: Int) {
            (self.end, self.size) = (end, size)
            (ended, signal) = AsyncStream.makeStream()
        }

        func run() {
            defer { signal.finish() }
            guard let socket = try? EndSocket(end, name: "flood") else { return }
            defer { socket.close() }
            let batch = FrameBatch()
            for flow in 0..<FrameBatch.capacity {
                let frame = TestAggregation.datagram(flow: flow, number: 0).bytes
                batch.append(frame + [UInt8](repeating: 0, count: size - frame.count))
            }
            let limit = ContinuousClock.now + .milliseconds(500)
            var place = 0
            while ContinuousClock.now < limit {
                let (input, room, control) = socket.descriptors(isFull: true)
                var polls = [input, room, control]
                poll(&polls, 3, 100)
                _ = try? socket.update(polls[2].revents)
                guard socket.isOpen else { continue }
                if place == batch.count { place = 0 }
                _ = socket.write(batch, from: &place)
            }
        }
    }
}
