import Foundation
import Glibc
import LabEvents
import Synchronization
import Testing

@testable import VDE

@Suite("Cables", .tier(.contract), .timeLimit(.minutes(5))) struct CableTests {
    private struct Stop: Error {}

    private var descriptors: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1 }

    /// Waits until something is so; the time limit of the suite is the test's.
    private func until(_ condition: () throws -> Bool) async throws {
        while try !condition() { try await Task.sleep(for: .milliseconds(1)) }
    }

    private func changes(_ cable: Cable, _ side: CableSide) -> [LinkEndChange] {
        cable.changes.snapshot.filter { $0.side == side }.map(\.change)
    }

    /// A cable from a guest's end to a port of a switch, the guest, and a host port at the same switch.
    private func withGuest(_ body: (SwitchFolder, VDESwitch, Cable, FakeGuest, HostPort) async throws -> Void) async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration("a"), options: folder.options) { vdeSwitch in
                try await vdeSwitch.withHostPort(1) { port in
                    let end = LinkEnd.guest(local: folder.path + "/host", remote: folder.path + "/guest")
                    try await withCable("c", from: end, to: .segment("\(folder.path)/a", port: 2), seed: 1) { cable in
                        let guest = try FakeGuest(path: folder.path + "/guest", host: folder.path + "/host")
                        try await body(folder, vdeSwitch, cable, guest, port)
                    }
                    #expect(!FileManager.default.fileExists(atPath: folder.path + "/host"))
                }
            }
        }
    }

    @Test func `frames pass as they are between a guest and a switch, and are counted`() async throws {
        try await withGuest { _, _, cable, guest, port in
            for (number, size) in [60, 61, 1000, 1514, 1518].enumerated() {
                let frame = EthernetFrame.counted(number, size: size)
                guest.send(frame)
                #expect(try await port.next() == frame)
                try await port.send(frame)
                #expect(guest.receive() == frame)
            }
            let counters = cable.counters
            let expected = FrameCount(frames: 5, bytes: 60 + 61 + 1000 + 1514 + 1518)
            for direction in [counters.forward, counters.backward] {
                #expect(direction.received == expected)
                #expect(direction.passed == expected)
                #expect(direction.dropped == FrameCount())
            }
            // One that is too long for the cable is counted and stops nothing.
            guest.send(bytes: [UInt8](repeating: 0, count: FrameBatch.frameLimit + 1))
            guest.send(.counted(7))
            #expect(try await port.next() == .counted(7))
            #expect(cable.counters.forward.refused.frames == 1)
        }
    }

    @Test func `between switches frames keep their tags, up to the largest, and the ports are those asked for`() async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration("a"), options: folder.options) { one in
                try await withVDESwitch(folder.configuration("b"), options: folder.options) { other in
                    let program = SwitchProgram(
                        ports: [1, 5, 6].map { SwitchProgram.Port($0, untagged: nil, tagged: [100]) } + [.init(2, untagged: 100)])
                    try await one.apply(program)
                    try await other.apply(program)
                    let ends = [LinkEnd.segment("\(folder.path)/a", port: 5), .segment("\(folder.path)/b", port: 6)]
                    try await withCable("up", from: ends[0], to: ends[1], seed: 1) { _ in
                        #expect(try await one.ports().filter(\.isActive).map(\.number) == [5])
                        #expect(try await other.ports().filter(\.isActive).map(\.number) == [6])
                        try await one.withHostPort(1) { left in
                            try await other.withHostPort(2) { right in
                                try await left.send(1, tags: [VLANTag(100, priority: 5), VLANTag(7, ethertype: VLANTag.service)])
                                #expect(
                                    try await right.next() == .numbered(1, from: 1, tags: [VLANTag(7, ethertype: VLANTag.service)]))
                                try await right.send(2)
                                #expect(try await left.next() == .numbered(2, from: 2, tags: [VLANTag(100)]))
                                // A guest's MTU of 1500 bytes.
                                var large = EthernetFrame.numbered(3, from: 1, tags: [VLANTag(100)])
                                large.payload = [UInt8](repeating: 3, count: 1500)
                                #expect(large.bytes.count == EthernetFrame.maximumSize)
                                try await left.send(large)
                                #expect(try await right.next()?.payload == large.payload)
                            }
                        }
                    }
                    while try await one.ports().contains(where: \.isActive) {}
                }
            }
        }
    }

    @Test func `a cut cable passes nothing either way, and counts it`() async throws {
        try await withGuest { _, _, cable, guest, port in
            cable.setPassing(false)
            #expect(!cable.isPassing)
            guest.send(.counted(1))
            try await port.send(.counted(1))
            try await until { cable.counters.forward.carrier.frames == 1 && cable.counters.backward.carrier.frames == 1 }
            cable.setPassing(true)
            guest.send(.counted(2))
            #expect(try await port.next() == .counted(2))
            try await port.send(.counted(3))
            #expect(guest.receive() == .counted(3))
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM]) func `a switch that dies and comes back is joined again`(_ signal: Int32) async throws {
        try await SwitchFolder.with { folder in
            let end = LinkEnd.guest(local: folder.path + "/host", remote: folder.path + "/guest")
            let segment = LinkEnd.segment("\(folder.path)/a", port: 2)
            let first = EventHistory<Cable>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // The first switch outlives the cable's scope only as a process record: it is killed inside.
                    try await withVDESwitch(folder.configuration("a"), options: folder.options) { vdeSwitch in
                        for await cable in first {
                            vdeSwitch.process.signal(signal)
                            _ = await vdeSwitch.waitForExit()
                            try await until { changes(cable, .second) == [.up, .switchGone] }
                            break
                        }
                    }
                    try await withVDESwitch(folder.configuration("a"), options: folder.options) { vdeSwitch in
                        for await cable in first {
                            let guest = try FakeGuest(path: folder.path + "/guest", host: folder.path + "/host")
                            try await until { changes(cable, .second).last == .reconnected }
                            try await vdeSwitch.withHostPort(1) { port in
                                guest.send(.counted(1))
                                #expect(try await port.next() == .counted(1))
                                try await port.send(.counted(2))
                                #expect(guest.receive() == .counted(2))
                            }
                            #expect(changes(cable, .second) == [.up, .switchGone, .reconnected])
                            #expect(try await vdeSwitch.ports().filter(\.isActive).map(\.number).contains(2))
                            break
                        }
                    }
                }
                while !FileManager.default.fileExists(atPath: folder.path + "/a/ctl") { try await Task.sleep(for: .milliseconds(1)) }
                try await withCable("c", from: end, to: segment, seed: 1) { cable in
                    first.append(cable)
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test func `frames to a switch that is gone are dropped and counted, and the other direction goes on`() async throws {
        try await withGuest { _, vdeSwitch, cable, guest, _ in
            vdeSwitch.process.signal(SIGKILL)
            try await until { changes(cable, .second).last == .switchGone }
            for number in 0..<20 { guest.send(.counted(number)) }
            try await until { cable.counters.forward.absent.frames == 20 }
            #expect(cable.counters.forward.passed.frames == 0)
        }
    }

    @Test func `a guest may go and come back`() async throws {
        try await withGuest { folder, _, cable, guest, port in
            guest.send(.counted(0))
            #expect(try await port.next() == .counted(0))
            try await port.send(.counted(1))
            #expect(guest.receive() == .counted(1))
            guest.close()
            // Known from the first frame on.
            try await port.send(.counted(2))
            try await until { changes(cable, .first) == [.up, .guestGone] }
            #expect(cable.counters.backward.absent.frames == 1)
            // A new process binds the path anew, and need not send first.
            let second = try FakeGuest(path: folder.path + "/guest", host: folder.path + "/host")
            try await port.send(.counted(3))
            #expect(second.receive() == .counted(3))
            try await until { changes(cable, .first) == [.up, .guestGone, .guestBack] }
            second.send(.counted(4))
            #expect(try await port.next() == .counted(4))
            second.close()
            try await port.send(.counted(5))
            try await until { changes(cable, .first).last == .guestGone }
            let third = try FakeGuest(path: folder.path + "/guest", host: folder.path + "/host")
            third.send(.counted(6))
            #expect(try await port.next() == .counted(6))
            try await until { changes(cable, .first) == [.up, .guestGone, .guestBack, .guestGone, .guestBack] }
        }
    }

    @Test func `a guest that reads nothing does not stop the other direction, and what waits for it is bounded`() async throws {
        try await withGuest { _, _, cable, guest, port in
            let count = CableLane.readyLimit + 100
            for number in 0..<count {
                try await port.send(.counted(number))
                if number % 8 == 7 { try await until { cable.counters.backward.received.frames >= number + 1 } }
            }
            try await until { cable.counters.backward.received.frames == count }
            let counters = cable.counters.backward
            #expect(counters.waiting.frames == CableLane.readyLimit)
            #expect(counters.queueFull.frames == count - CableLane.readyLimit - counters.passed.frames)
            guest.send(.counted(7))
            #expect(try await port.next() == .counted(7))
            // What waited comes in order when it reads again.
            for number in 0..<CableLane.readyLimit { #expect(guest.receive() == .counted(number)) }
        }
    }

    @Test(arguments: ["return", "throw", "cancel"]) func `nothing is left, whichever way the scope is left`(_ way: String) async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration("a"), options: folder.options) { vdeSwitch in
                // Once before the count, because the first call of a library leaves things of its own open.
                try await vdeSwitch.withHostPort(3) { _ in _ = try await vdeSwitch.ports() }
                let before = descriptors
                let end = LinkEnd.guest(local: folder.path + "/host", remote: folder.path + "/guest")
                let opened = EventHistory<WeakWorker>()
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do {
                            try await withCable("c", from: end, to: .segment("\(folder.path)/a", port: 2), seed: 1) { cable in
                                try cable.impair(.forward, Impairments(delay: .seconds(60)))
                                opened.append(WeakWorker(cable.worker))
                                if way == "throw" { throw Stop() }
                                if way == "cancel" { for await _ in cable.changes {} }
                            }
                            #expect(way != "throw")
                        } catch {
                            #expect(way == "throw" && error is Stop)
                        }
                    }
                    for await _ in opened { break }
                    if way == "cancel" { group.cancelAll() }
                }
                // The thread has the last reference to what it runs.
                let worker = try #require(opened.snapshot.first)
                try await until { worker.worker == nil }
                try await until { descriptors <= before }
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a") == ["ctl"])
                #expect(folder.leftovers.sorted() == ["a", "a.m"])
            }
        }
    }

    @Test func `a scope is left in time while its switch is gone, and while it stands still`() async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration("a"), options: folder.options) { vdeSwitch in
                let end = LinkEnd.guest(local: folder.path + "/host", remote: folder.path + "/guest")
                try await withCable("c", from: end, to: .segment("\(folder.path)/a", port: 2), seed: 1) { _ in
                    vdeSwitch.process.signal(SIGSTOP)
                }
                let still = await #expect(throws: Problem.self) {
                    try await withCable(
                        "c", from: end, to: .segment("\(folder.path)/a", port: 3), seed: 1, openLimit: .milliseconds(50)
                    ) { _ in }
                }
                #expect(still?.why?.contains("waited") == true)
                vdeSwitch.process.signal(SIGKILL)
                _ = await vdeSwitch.waitForExit()
                let gone = await #expect(throws: Problem.self) {
                    try await withCable(
                        "c", from: end, to: .segment("\(folder.path)/a", port: 2), seed: 1, openLimit: .milliseconds(50)
                    ) { _ in }
                }
                #expect(gone?.why?.contains("no switch listens there") == true)
            }
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/host"))
        }
    }

    @Test func `a switch that stands still does not keep each of many cables waiting`() async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration("a"), options: folder.options) { vdeSwitch in
                func cables(_ ports: ArraySlice<Int>, _ body: () async throws -> Void) async throws {
                    guard let port = ports.first else { return try await body() }
                    let end = LinkEnd.guest(local: "\(folder.path)/host\(port)", remote: "\(folder.path)/guest\(port)")
                    try await withCable("c\(port)", from: end, to: .segment("\(folder.path)/a", port: port), seed: 1) { _ in
                        try await cables(ports.dropFirst(), body)
                    }
                }
                let start = Mutex(Nanoseconds.zero)
                try await cables(Array(1...8)[...]) {
                    vdeSwitch.process.signal(SIGSTOP)
                    start.withLock { $0 = .now }
                }
                // One waits for a second; if each did, it would be eight.
                #expect(Nanoseconds.now - start.withLock { $0 } < .milliseconds(8000))
            }
        }
    }

    @Test func `a guest's socket is another's, a killed process's, or cannot be`() async throws {
        try await SwitchFolder.with { folder in
            let end = LinkEnd.guest(local: folder.path + "/1", remote: folder.path + "/2")
            let other = LinkEnd.guest(local: folder.path + "/3", remote: folder.path + "/4")
            // What a killed process leaves: a socket that nobody has.
            try FakeGuest(path: folder.path + "/1", host: folder.path + "/2").close()
            try await withCable("c", from: end, to: other, seed: 1) { cable in
                let busy = await #expect(throws: Problem.self) {
                    try await withCable("d", from: end, to: .guest(local: folder.path + "/5", remote: folder.path + "/6"), seed: 1) { _ in }
                }
                #expect(busy?.kind == .busy)
                #expect(busy?.location == folder.path + "/1")
                let left = try FakeGuest(path: folder.path + "/2", host: folder.path + "/1")
                let right = try FakeGuest(path: folder.path + "/4", host: folder.path + "/3")
                left.send(.counted(1))
                #expect(right.receive() == .counted(1))
                left.close()
                right.close()
            }
            #expect(folder.leftovers.sorted() == ["2", "4"])
            for bad in [
                LinkEnd.guest(local: "x", remote: "/y"), .guest(local: "/a,b", remote: "/y"), .guest(local: "/a", remote: "/a"),
                .guest(local: "/" + String(repeating: "a", count: 107), remote: "/y"), .segment("/x", port: 0), other,
            ] {
                let problem = await #expect(throws: Problem.self) { try await withCable("c", from: bad, to: other, seed: 1) { _ in } }
                #expect(problem?.kind == .invalidInput)
            }
            let absent = await #expect(throws: Problem.self) {
                try await withCable("c", from: .guest(local: folder.path + "/no/1", remote: "/y"), to: other, seed: 1) { _ in }
            }
            #expect(absent?.why?.contains("No such file") == true)
        }
    }

    @Test func `an idle cable does not wake up`() async throws {
        try await withGuest { _, _, cable, _, _ in
            // Once for its ends, which are open by now.
            try await until { cable.worker.rounds > 0 }
            let before = cable.worker.rounds
            // Other work of this process, of which the cable knows nothing.
            for _ in 0..<20 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(cable.worker.rounds == before)
        }
    }
}

private struct WeakWorker: Sendable {
    weak let worker: CableWorker?
    init(_ worker: CableWorker) { self.worker = worker }
}
