import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

@Suite("Link aggregation: beginning and end", .tier(.contract), .serialized, .timeLimit(.minutes(5))) struct LinkAggregationLifeTests {
    private struct Stop: Error {}

    @Test func `a switch that is killed takes the legs out of use, and brings them back when it runs again`() async throws {
        try await TestAggregation.with { all in
            let configuration = all.vdeSwitch.configuration
            all.vdeSwitch.process.signal(SIGKILL)
            #expect(await all.lag.until { !$0.hasSwitch })
            #expect(all.lag.status.collecting == [] && all.lag.status.distributing == [])
            // The guest notices by its own timeout, as it does at a switch that is down.
            #expect(await all.bond.until { !$0.status(0).isCollecting && !$0.status(1).isCollecting })
            try await withVDESwitch(configuration, options: all.folder.options) { vdeSwitch in
                #expect(await all.lag.until { $0.hasSwitch })
                try await all.waitUntilUp()
                try await vdeSwitch.withHostPort(2) { peer in
                    all.bond.send(TestAggregation.datagram(flow: 5, number: 0, to: EthernetFrame.broadcast), leg: 1)
                    #expect(try await peer.next()?.flow == 5)
                    try await peer.send(TestAggregation.datagram(flow: 6, number: 0))
                    #expect(await all.bond.until { $0.arrivals.map(\.frame.flow) == [6] })
                }
            }
        }
    }

    @Test func `a guest that ends and comes back is noticed`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await SwitchFolder.with { folder in
                let legs = TestAggregation.legs(2, in: folder)
                try await withLinkAggregation(
                    "lag", legs: legs, port: .segment(vdeSwitch.configuration.socketFolder, port: 1), system: TestAggregation.system,
                    rate: .slow, times: TestAggregation.times
                ) { lag in
                    for round in 1...2 {
                        try await FakeBond.with(legs, times: TestAggregation.times, number: UInt8(round)) { bond in
                            #expect(await bond.until { $0.isUp })
                            #expect(await lag.until { $0.isUp })
                            #expect(lag.status.partner?.address == .numbered(UInt8(round)))
                        }
                        #expect(await lag.until { $0.distributing == [] }, "long before the slow timeout")
                    }
                }
            }
        }
    }

    @Test func `nothing is left of it, also after an error and a cancellation`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await SwitchFolder.with { folder in
                func run(_ body: (LinkAggregation) async throws -> Void) async throws {
                    try await withLinkAggregation(
                        "lag", legs: TestAggregation.legs(2, in: folder), port: .segment(vdeSwitch.configuration.socketFolder, port: 1),
                        system: TestAggregation.system, body: body)
                }
                try await run { _ in #expect(folder.leftovers.sorted() == ["l0", "l1"]) }
                let before = (descriptors, threads)
                try await run { lag in
                    #expect(threads <= before.1 + 1, "one thread for all legs")
                    #expect(throws: Problem.self) { try lag.setCarrier(2, false) }
                }
                await #expect(throws: Stop.self) { try await run { _ in throw Stop() } }
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask {
                        await #expect(throws: CancellationError.self) {
                            try await withLinkAggregation(
                                "lag", legs: TestAggregation.legs(2, in: folder),
                                port: .segment(vdeSwitch.configuration.socketFolder, port: 1), system: TestAggregation.system
                            ) { lag in
                                for try await _ in lag.changes {}
                                try Task.checkCancellation()
                            }
                        }
                    }
                    while folder.leftovers.count < 2 { await Task.yield() }
                    tasks.cancelAll()
                    try await tasks.waitForAll()
                }
                #expect(folder.leftovers == [])
                // A thread that has closed its ends still has to end.
                let end = ContinuousClock.now + .seconds(10)
                while threads > before.1, ContinuousClock.now < end { await Task.yield() }
                #expect(descriptors <= before.0 && threads <= before.1)
                while try await vdeSwitch.ports().contains(where: \.isActive) {}
            }
        }
    }

    @Test func `one that still waits for its switch is ended at once, and leaves nothing`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await SwitchFolder.with { folder in
                vdeSwitch.process.signal(SIGSTOP)
                defer { vdeSwitch.process.signal(SIGCONT) }
                let begin = ContinuousClock.now
                let problem = await #expect(throws: Problem.self) {
                    try await withLinkAggregation(
                        "lag", legs: TestAggregation.legs(2, in: folder), port: .segment(vdeSwitch.configuration.socketFolder, port: 1),
                        system: TestAggregation.system, openLimit: .milliseconds(200)
                    ) { _ in }
                }
                #expect(problem?.kind == .failure)
                #expect(folder.leftovers == [])
                // 0.2 s and what the host adds; the switch would never have answered.
                #expect(begin.duration(to: .now) < .seconds(20))
            }
        }
    }

    @Test func `frames that are too short or too long are dropped and counted, and others pass`() async throws {
        try await TestAggregation.with { all in
            guard case .guest(let local, _) = all.lag.legs[0] else { return }
            let guest = try FakeGuest(path: all.folder.path + "/other", host: local)
            guest.send(bytes: [UInt8](repeating: 1, count: 13))
            guest.send(bytes: [UInt8](repeating: 1, count: FrameBatch.frameLimit + 1))
            guest.send(bytes: [UInt8](repeating: 1, count: 20_000))
            guest.send(TestAggregation.datagram(flow: 5, number: 0))
            #expect(try await all.peer.next()?.flow == 5)
            let counters = all.lag.status.legs[0].counters
            #expect(counters.runts == 1 && counters.oversized == 2 && counters.toSwitch.frames == 1)
        }
    }

    private var descriptors: Int { count("/proc/self/fd") }
    private var threads: Int { count("/proc/self/task") }

    private func count(_ folder: String) -> Int { (try? FileManager.default.contentsOfDirectory(atPath: folder))?.count ?? 0 }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var name: String
        var legs: Int = 2
        var isTwice = false
        var system = TestAggregation.system
        var switchFolder: String?
        var kind = Problem.Kind.invalidInput
        var testDescription: String { name }
    }

    @Test(arguments: [
        Refusal(name: "no legs", legs: 0), Refusal(name: "too many legs", legs: 17), Refusal(name: "a leg twice", isTwice: true),
        Refusal(name: "a group's address", system: EthernetFrame.broadcast),
        Refusal(name: "no switch", switchFolder: "/nowhere", kind: .failure), Refusal(name: "no path", switchFolder: "nowhere"),
    ]) func `what cannot be is refused`(_ refusal: Refusal) async throws {
        try await SwitchFolder.with { folder in
            var legs = TestAggregation.legs(refusal.legs, in: folder)
            if refusal.isTwice { legs.append(legs[0]) }
            let problem = await #expect(throws: Problem.self) {
                try await withLinkAggregation(
                    "lag", legs: legs, port: .segment(refusal.switchFolder ?? folder.path, port: 1), system: refusal.system,
                    openLimit: .milliseconds(200)
                ) { _ in }
            }
            #expect(problem?.kind == refusal.kind, "\(String(describing: problem))")
            #expect(folder.leftovers == [])
        }
    }

    @Test func `a leg's socket that another one has is refused`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await SwitchFolder.with { folder in
                let legs = TestAggregation.legs(2, in: folder)
                func run(_ port: Int, _ body: (LinkAggregation) async throws -> Void) async throws {
                    try await withLinkAggregation(
                        "lag", legs: legs, port: .segment(vdeSwitch.configuration.socketFolder, port: port), system: TestAggregation.system,
                        body: body)
                }
                try await run(1) { _ in
                    let problem = await #expect(throws: Problem.self) { try await run(2) { _ in } }
                    #expect(problem?.kind == .busy)
                    #expect(folder.leftovers.sorted() == ["l0", "l1"])
                }
            }
        }
    }
}
