import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

/// Two datagram legs, a switch and a host port behind it; the times of LACP are shorter by a factor, the machines are the same.
struct TestAggregation {
    static let times = LACPTimes().faster(by: 3)
    static let system = MACAddress.numbered(0xAA)

    var lag: LinkAggregation
    var bond: FakeBond
    var peer: HostPort
    var vdeSwitch: VDESwitch
    var folder: SwitchFolder

    static func legs(_ count: Int, in folder: SwitchFolder) -> [LinkEnd] {
        (0..<count).map { .guest(local: "\(folder.path)/l\($0)", remote: "\(folder.path)/g\($0)") }
    }

    /// Lends all of it, when both sides use all legs.
    static func with(
        legs count: Int = 2, isSilent: Bool = false, times: LACPTimes = times, _ body: (TestAggregation) async throws -> Void
    ) async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                let legs = legs(count, in: folder)
                try await withLinkAggregation(
                    "lag", legs: legs, port: .segment(vdeSwitch.configuration.socketFolder, port: 1), system: system, rate: .fast, seed: 7,
                    times: times
                ) { lag in
                    try await FakeBond.with(legs, times: times, isSilent: isSilent) { bond in
                        try await vdeSwitch.withHostPort(2) { peer in
                            let all = TestAggregation(lag: lag, bond: bond, peer: peer, vdeSwitch: vdeSwitch, folder: folder)
                            if !isSilent { try await all.waitUntilUp() }
                            try await body(all)
                        }
                    }
                }
            }
        }
    }

    func waitUntilUp() async throws {
        try #require(await bond.until { $0.isUp }, "\(lag.status)")
        try #require(await lag.until { $0.isUp }, "\(lag.status)")
    }

    /// A frame of one of many flows: a datagram from a port of its own, with a number.
    static func datagram(flow: Int, number: UInt8, from source: UInt8 = 2, to target: MACAddress = .numbered(2)) -> EthernetFrame {
        var packet: [UInt8] = [0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, source, 10, 0, 0, 99]
        packet += [UInt8(flow >> 8), UInt8(flow & 0xFF), 0, 53, 0, 40, 0, 0, number]
        return EthernetFrame(
            destination: target, source: .numbered(source &+ 0x10), ethertype: 0x0800,
            payload: packet + [UInt8](repeating: 0, count: 46 - packet.count))
    }
}

extension EthernetFrame {
    /// Flow and number of a datagram.
    var flow: Int { Int(payload[20]) << 8 | Int(payload[21]) }
    var number: UInt8 { payload[28] }
}

extension LinkAggregation {
    /// Waits until the status fulfils a condition.
    ///
    /// - Returns: whether it did in 20 s, which bounds a hang and measures nothing.
    func until(_ condition: @escaping @Sendable (LinkAggregationStatus) -> Bool) async -> Bool {
        if condition(status) { return true }
        return await withDeadline(.seconds(20)) { [self] in
            for await _ in changes where condition(status) { return true }
            return condition(status)
        } ?? condition(status)
    }
}

@Suite("Link aggregation", .tier(.contract), .timeLimit(.minutes(5))) struct LinkAggregationTests {
    @Test func `both legs are one aggregator, and both ends know it`() async throws {
        try await TestAggregation.with { all in
            let status = all.lag.status
            #expect(status.partner?.address == .numbered(2) && status.partnerKey == 15)
            #expect(status.selected == [0, 1] && status.collecting == [0, 1] && status.distributing == [0, 1])
            for leg in 0..<2 {
                let seen = all.bond.status(leg)
                #expect(seen.partner.system.address == TestAggregation.system && seen.partner.port == UInt16(leg + 1))
                // 63 is what Linux shows as the state of a fast port that collects and distributes.
                #expect(seen.actor.state.rawValue == 63 && seen.partner.state.rawValue == 63)
                #expect(status.legs[leg].counters.lacpReceived > 0 && status.legs[leg].counters.lacpSent > 0)
            }
        }
    }

    @Test func `a thousand broadcasts reach the switch once, and none comes back to its sender`() async throws {
        try await TestAggregation.with { all in
            var next = [0, 1]
            for round in 0..<10 {
                for number in 0..<100 {
                    all.bond.send(
                        TestAggregation.datagram(flow: round * 100 + number, number: 0, to: EthernetFrame.broadcast), leg: number % 2)
                }
                for _ in 0..<100 {
                    let flow = try #require(try await all.peer.next()).flow
                    // In order on each leg.
                    #expect(flow == next[flow % 2])
                    next[flow % 2] = flow + 2
                }
            }
            // What comes at last shows that nothing came before.
            let last = TestAggregation.datagram(flow: 9999, number: 1, to: EthernetFrame.broadcast)
            try await all.peer.send(last)
            #expect(await all.bond.until { !$0.arrivals.isEmpty })
            #expect(all.bond.arrivals.map(\.frame) == [last])
            let counters = all.lag.status.legs.map(\.counters)
            #expect(counters.map(\.toSwitch.frames) == [500, 500] && counters.map(\.toGuest.frames).reduce(0, +) == 1)
        }
    }

    @Test func `each flow stays on one leg and in order, and several flows use both`() async throws {
        try await TestAggregation.with { all in
            try await exchange(all, legs: [0, 1])
            // Of a leg that is cut the flows go to the other.
            try all.lag.setCarrier(1, false)
            all.bond.setCarrier(1, false)
            #expect(all.lag.status.distributing == [0])
            try await exchange(all, legs: [0])
            all.bond.send(TestAggregation.datagram(flow: 1, number: 1), leg: 1)
            all.bond.send(TestAggregation.datagram(flow: 2, number: 2), leg: 0)
            #expect(try await all.peer.next()?.flow == 2)
            #expect(await eventually { all.lag.status.legs[1].counters.noCarrier == 1 })
            try all.lag.setCarrier(1, true)
            all.bond.setCarrier(1, true)
            try await all.waitUntilUp()
            try await exchange(all, legs: [0, 1])
        }
    }

    /// Sends 50 flows to the guest, and checks where they arrive.
    private func exchange(_ all: TestAggregation, legs: Set<Int>) async throws {
        _ = all.bond.takeArrivals()
        for number in 0..<10 as Range<UInt8> {
            for flow in 0..<50 { try await all.peer.send(TestAggregation.datagram(flow: flow, number: number)) }
            #expect(await all.bond.until { $0.arrivals.count == (Int(number) + 1) * 50 })
        }
        var places: [Int: Set<Int>] = [:]
        var next: [Int: UInt8] = [:]
        for arrival in all.bond.takeArrivals() {
            places[arrival.frame.flow, default: []].insert(arrival.leg)
            #expect(arrival.frame.number == next[arrival.frame.flow, default: 0])
            next[arrival.frame.flow] = arrival.frame.number + 1
        }
        #expect(places.count == 50 && places.values.allSatisfy { $0.count == 1 })
        #expect(places.values.reduce(into: Set<Int>()) { $0.formUnion($1) } == legs)
    }

    @Test func `slow protocols end here: garbage is counted, markers are answered, nothing is forwarded`() async throws {
        try await TestAggregation.with { all in
            let before = all.lag.status.legs[0].counters.slowIgnored
            let marker = MarkerPDU(port: 1, system: .numbered(2), transaction: 77)
            all.bond.send(SlowProtocol.frame(from: .numbered(2), marker.bytes), leg: 0)
            for unit in [[1, 1, 1, 20], [9], [1] + [UInt8](repeating: 0xFF, count: 120), marker.response.bytes] as [[UInt8]] {
                all.bond.send(SlowProtocol.frame(from: .numbered(2), unit), leg: 0)
            }
            // Another type to the group address, which no bridge forwards either.
            all.bond.send(EthernetFrame(destination: SlowProtocol.address, source: .numbered(2), ethertype: 0x88B5, payload: []), leg: 0)
            all.bond.send(TestAggregation.datagram(flow: 3, number: 0), leg: 0)
            #expect(try await all.peer.next()?.flow == 3)
            #expect(await all.bond.until { $0.markers == 1 })
            #expect(all.lag.status.legs[0].counters.markersAnswered == 1)
            #expect(all.lag.status.legs[0].counters.slowIgnored == before + 5)
            // And from the switch.
            try await all.peer.send(try #require(EthernetFrame(bytes: SlowProtocol.frame(from: .numbered(9), marker.bytes))))
            try await all.peer.send(TestAggregation.datagram(flow: 4, number: 0))
            #expect(await all.bond.until { !$0.arrivals.isEmpty })
            #expect(all.bond.arrivals.map(\.frame.flow) == [4] && all.bond.markers == 1 && all.lag.status.strayed == 1)
            #expect(all.lag.status.isUp)
        }
    }

    @Test func `a guest without a bond gets and sends nothing, and is counted`() async throws {
        try await TestAggregation.with(isSilent: true) { all in
            all.bond.send(TestAggregation.datagram(flow: 1, number: 0), leg: 0)
            try await all.peer.send(TestAggregation.datagram(flow: 1, number: 0))
            #expect(await eventually { all.lag.status.legs[0].counters.notCollecting == 1 && all.lag.status.undistributed == 1 })
            #expect(all.bond.arrivals == [] && all.lag.status.partner == nil)
        }
    }

    @Test func `a leg that goes silent is left after its timeout, and its flows take the other`() async throws {
        try await TestAggregation.with { all in
            all.bond.setSilent(0, true)
            #expect(await all.lag.until { $0.distributing == [1] && $0.legs[0].port.receive == .defaulted })
            try await exchange(all, legs: [1])
            all.bond.setSilent(0, false)
            try await all.waitUntilUp()
            try await exchange(all, legs: [0, 1])
        }
    }

    @Test func `a switch that stands still holds up frames, and not LACP`() async throws {
        // At a third of the times a host that is busy with something else for a second would look like a leg that is silent.
        try await TestAggregation.with(times: LACPTimes()) { all in
            let silent = all.lag.status.legs.map(\.counters.lacpReceived)
            kill(all.vdeSwitch.record.pid, SIGSTOP)
            defer { kill(all.vdeSwitch.record.pid, SIGCONT) }
            for number in 0..<2000 { all.bond.send(TestAggregation.datagram(flow: number, number: 0), leg: 0) }
            #expect(await eventually { all.lag.status.switchRefused > 0 })
            // One comes in a second; longer than the timeout of three: without LACPDUs the legs would be gone.
            #expect(
                await eventually { zip(all.lag.status.legs, silent).allSatisfy { $0.counters.lacpReceived > $1 + 4 } }, "\(all.lag.status)")
            #expect(all.lag.status.isUp && all.bond.isUp)
            kill(all.vdeSwitch.record.pid, SIGCONT)
            try await all.waitUntilUp()
            // Each frame that leaves makes room for one.
            let last = TestAggregation.datagram(flow: 5000, number: 0)
            repeat { all.bond.send(last, leg: 1) } while try await all.peer.next() != last
        }
    }

    @Test func `a leg whose cable loses all frames one way is left, and taken again when it is healed`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await SwitchFolder.with { folder in
                let legs = TestAggregation.legs(2, in: folder)
                // The first leg has a cable in between; the link aggregation is a guest to it.
                let near = LinkEnd.guest(local: folder.path + "/c0", remote: folder.path + "/d0")
                let away = LinkEnd.guest(local: folder.path + "/d0", remote: folder.path + "/c0")
                try await withCable("c", from: legs[0], to: away, seed: 1) { cable in
                    try await withLinkAggregation(
                        "lag", legs: [near, legs[1]], port: .segment(vdeSwitch.configuration.socketFolder, port: 1),
                        system: TestAggregation.system, rate: .fast, times: TestAggregation.times
                    ) { lag in
                        try await FakeBond.with(legs, times: TestAggregation.times) { bond in
                            for direction in LinkDirection.allCases {
                                #expect(await bond.until { $0.isUp })
                                #expect(await lag.until { $0.isUp })
                                try cable.impair(direction, Impairments(loss: 1))
                                #expect(await lag.until { $0.distributing == [1] })
                                #expect(await bond.until { !$0.status(0).isDistributing && $0.status(1).isUp })
                                cable.heal()
                            }
                            #expect(await bond.until { $0.isUp })
                        }
                    }
                }
            }
        }
    }

    private func eventually(_ condition: () -> Bool) async -> Bool {
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            if ContinuousClock.now > end { return false }
            await Task.yield()
        }
        return true
    }
}
