import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

@Suite("Host ports", .tier(.contract), .timeLimit(.minutes(5))) struct HostPortTests {
    private struct Stop: Error {}

    /// The descriptors of this process that are bound in a folder or connected to a socket there. Others come and go with the tests beside this one.
    private func descriptors(at folder: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { Int32($0) }.filter { descriptor in
            [getsockname, getpeername].contains { name in
                var address = sockaddr_un()
                var size = socklen_t(MemoryLayout<sockaddr_un>.size)
                let result = withUnsafeMutablePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name(descriptor, $0, &size) }
                }
                guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return false }
                let path = withUnsafeBytes(of: address.sun_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                return path.hasPrefix(folder + "/")
            }
        }
    }

    @Test func `a host port is the port it asks for, and its sockets are gone afterwards`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            let folder = vdeSwitch.configuration.socketFolder
            #expect(descriptors(at: folder).isEmpty)
            try await vdeSwitch.withHostPort(3, description: "observer") { one in
                try await vdeSwitch.withHostPort(8) { other in
                    let ports = try await vdeSwitch.ports()
                    #expect(ports.filter(\.isActive).map(\.number) == [3, 8])
                    #expect(ports.last?.endpoints.first?.description.hasPrefix("vmlab ") == true)
                    #expect(ports.first { $0.number == 3 }?.endpoints.first?.description.hasPrefix("observer ") == true)
                    for tags in [[], [VLANTag(0, priority: 3), VLANTag(7)]] {
                        try await one.send(1, tags: tags)
                        #expect(try await other.next() == .numbered(1, from: 3, tags: Array(tags.dropFirst())))
                    }
                    // Each has at least its connection to the switch.
                    let own = descriptors(at: folder)
                    #expect(own.count >= 2)
                    for descriptor in own { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0) }
                }
            }
            #expect(descriptors(at: folder).isEmpty)
            // The switch need not have seen it yet.
            while try await vdeSwitch.ports().contains(where: \.isActive) {}
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["ctl"])
        }
    }

    @Test func `a port that was made is given to nobody who did not ask for it`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.createPort(1)
            let folder = vdeSwitch.configuration.socketFolder
            try await withOpenPort(folder, 0, "any", frameLimit: 1, openLimit: .seconds(10)) { _ in
                let active = try await vdeSwitch.ports().filter(\.isActive)
                #expect(active.map(\.number) == [2])
            }
        }
    }

    @Test func `a second client of a port sees what arrives there, and not what the first one sends`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.withHostPort(1) { guest in
                try await vdeSwitch.withHostPort(1) { tap in
                    try await vdeSwitch.withHostPort(2) { other in
                        try await guest.send(1)
                        #expect(try await other.next() == .numbered(1, from: 1))
                        try await other.send(2)
                        #expect(try await guest.next() == .numbered(2, from: 2))
                        #expect(try await tap.next() == .numbered(2, from: 2))
                    }
                }
            }
        }
    }

    @Test func `frames come in order, also more of them than a socket holds`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.withHostPort(1) { one in
                try await vdeSwitch.withHostPort(2) { other in
                    for round in 0..<20 {
                        for number in 0..<100 as Range<UInt8> { try await one.send(number) }
                        for number in 0..<100 as Range<UInt8> { #expect(try await other.next()?.payload.first == number, "round \(round)") }
                    }
                    #expect(other.lostFrames == 0)
                }
            }
        }
    }

    @Test func `what nobody reads is bounded, counted, and the oldest is kept`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.withHostPort(2, frameLimit: 3) { lazy in
                try await vdeSwitch.withHostPort(1) { one in
                    for number in 1...10 as ClosedRange<UInt8> { try await one.send(number) }
                    while lazy.lostFrames < 7 { _ = try await vdeSwitch.counters(port: 2) }
                    for number in 1...3 as ClosedRange<UInt8> { #expect(try await lazy.next()?.payload.first == number) }
                    try await one.send(11)
                    #expect(try await lazy.next()?.payload.first == 11)
                }
            }
        }
    }

    @Test func `a switch that dies ends the frames with a problem, after the last frame`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.withHostPort(1) { one in
                try await vdeSwitch.withHostPort(2) { other in
                    try await one.send(1)
                    while try await vdeSwitch.counters(port: 2).packetsOut < 1 {}
                    vdeSwitch.process.signal(SIGKILL)
                    #expect(try await other.next()?.payload.first == 1)
                    let problem = await #expect(throws: Problem.self) { _ = try await other.next() }
                    #expect(problem?.key == .switchDied)
                    await #expect(throws: Problem.self) { _ = try await one.next() }
                    let refusal = await #expect(throws: Problem.self) { try await one.send(2) }
                    #expect(refusal?.key == .switchDied)
                }
            }
        }
    }

    @Test func `a sender waits while the switch stands still, goes on with it, and is woken by a cancellation`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.withHostPort(1) { one in
                for way in ["continue", "cancel"] {
                    vdeSwitch.process.signal(SIGSTOP)
                    defer { vdeSwitch.process.signal(SIGCONT) }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            let problem = await #expect(throws: Problem.self) {
                                while true { try await one.send(.numbered(1, from: 1)) }
                            }
                            #expect(problem?.why == "the task was cancelled")
                        }
                        while !one.worker.isFull { await Task.yield() }
                        if way == "continue" {
                            vdeSwitch.process.signal(SIGCONT)
                            let before = try await vdeSwitch.counters(port: 1).packetsIn
                            while try await vdeSwitch.counters(port: 1).packetsIn < before + 1000 {}
                        }
                        group.cancelAll()
                    }
                }
            }
        }
    }

    @Test func `many host ports may come and go at once`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for port in 1...8 {
                    group.addTask {
                        for _ in 0..<20 { try await vdeSwitch.withHostPort(port) { try await $0.send(1) } }
                    }
                }
                try await group.waitForAll()
            }
            while try await vdeSwitch.ports().contains(where: \.isActive) {}
            for port in 1...8 { #expect(try await vdeSwitch.counters(port: port).packetsIn <= 20) }
        }
    }

    @Test(arguments: ["throw", "cancel"]) func `the port is left, whichever way the scope is left`(_ way: String) async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            let opened = EventHistory<Bool>()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await vdeSwitch.withHostPort(5) { port in
                            opened.append(true)
                            if way == "throw" { throw Stop() }
                            #expect(try await port.next() == nil)
                        }
                    } catch {
                        #expect(way == "throw" && error is Stop)
                    }
                }
                for await _ in opened { break }
                if way == "cancel" { group.cancelAll() }
            }
            // The switch need not have seen it yet.
            while try await vdeSwitch.ports().contains(where: \.isActive) {}
        }
    }

    @Test func `what cannot be joined is told`() async throws {
        try await SwitchFolder.with { folder in
            let none = await #expect(throws: Problem.self) { try await withHostPort(switchFolder: folder.path, port: 1) { _ in } }
            #expect(none?.why?.contains("no switch listens there") == true)
            let absent = await #expect(throws: Problem.self) { try await withHostPort(switchFolder: folder.path + "/no", port: 1) { _ in } }
            #expect(absent?.why?.contains("No such file") == true)
            for (path, port) in [("relative", 1), (folder.path, 0), (folder.path, 256), (folder.path + "[3]", 1)] {
                let refusal = await #expect(throws: Problem.self) { try await withHostPort(switchFolder: path, port: port) { _ in } }
                #expect(refusal?.kind == .invalidInput)
            }
            try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                let beyond = await #expect(throws: Problem.self) { try await vdeSwitch.withHostPort(9) { _ in } }
                #expect(beyond?.kind == .invalidInput)
                let silent = await #expect(throws: Problem.self) {
                    try await withHostPort(switchFolder: folder.path + "/s", port: 9, openLimit: .milliseconds(50)) { _ in }
                }
                #expect(silent?.why?.contains("waited") == true)
                try await vdeSwitch.withHostPort(8) { port in
                    let long = EthernetFrame(
                        source: EthernetFrame.broadcast, ethertype: 0x88B5, payload: [UInt8](repeating: 0, count: 1505))
                    let refusal = await #expect(throws: Problem.self) { try await port.send(long) }
                    #expect(refusal?.kind == .invalidInput)
                    #expect(refusal?.why?.contains("1519") == true)
                }
            }
        }
    }
}
