import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

@Suite("Trunks", .tier(.contract), .timeLimit(.minutes(1))) struct TrunkTests {
    private struct Stop: Error {}

    /// Two switches of which every port is in the plain network, and the trunk between ports 5 and 6.
    private func withSwitches(
        _ body: (VDESwitch, VDESwitch, TrunkConfiguration, SwitchFolder) async throws -> Void
    ) async throws {
        try await SwitchFolder.with { folder in
            func configuration(_ name: String) -> SwitchConfiguration {
                SwitchConfiguration(
                    name: name, socketFolder: "\(folder.path)/\(name)", managementSocket: "\(folder.path)/\(name).m", ports: 8)
            }
            let trunk = TrunkConfiguration(
                name: "up", first: PortAddress(switchFolder: folder.path + "/a", port: 5),
                second: PortAddress(switchFolder: folder.path + "/b", port: 6), managementSocket: folder.path + "/t")
            try await withVDESwitch(configuration("a"), options: folder.options) { one in
                try await withVDESwitch(configuration("b"), options: folder.options) { other in
                    try await body(one, other, trunk, folder)
                }
            }
        }
    }

    @Test func `frames pass both ways with their tags, up to the largest, and the ports are those asked for`() async throws {
        try await withSwitches { one, other, configuration, folder in
            let program = SwitchProgram(
                ports: [1, 5, 6].map { SwitchProgram.Port($0, untagged: nil, tagged: [100]) } + [.init(2, untagged: 100)])
            try await one.apply(program)
            try await other.apply(program)
            try await withTrunk(configuration, options: folder.options) { trunk in
                #expect(trunk.isRunning)
                #expect(try await one.ports().filter(\.isActive).map(\.number) == [5])
                #expect(try await other.ports().filter(\.isActive).map(\.number) == [6])
                try await one.withHostPort(1) { left in
                    try await other.withHostPort(2) { right in
                        try await left.send(1, tags: [VLANTag(100, priority: 5), VLANTag(7, ethertype: VLANTag.service)])
                        #expect(try await right.next() == .numbered(1, from: 1, tags: [VLANTag(7, ethertype: VLANTag.service)]))
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
            #expect(!folder.leftovers.contains("t"))
            while try await one.ports().contains(where: \.isActive) {}
        }
    }

    @Test(arguments: ["return", "throw", "cancel", "stopped"])
    func `nothing is left, whichever way the scope is left`(_ way: String) async throws {
        try await withSwitches { _, _, configuration, folder in
            let pids = EventHistory<Int32>()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await withTrunk(configuration, options: folder.options) { trunk in
                            #expect(fcntl(trunk.lifeline, F_GETFD) & FD_CLOEXEC != 0)
                            #expect(getsid(trunk.record.pid) == trunk.record.pid)
                            pids.append(trunk.record.pid)
                            if way == "throw" { throw Stop() }
                            if way == "cancel" { #expect(await trunk.waitForExit() == nil) }
                            if way == "stopped" { trunk.process.signal(SIGSTOP) }
                        }
                        #expect(way != "throw")
                    } catch {
                        #expect(way == "throw" && error is Stop)
                    }
                }
                for await _ in pids { break }
                if way == "cancel" { group.cancelAll() }
            }
            let pid = try #require(pids.snapshot.first)
            #expect(ProcessRecord.startTime(pid: pid) == nil)
            #expect(!folder.leftovers.contains("t"))
        }
    }

    @Test func `the trunk ends when the process that holds its lifeline is killed, also without its switches`() async throws {
        for withoutSwitches in [false, true] {
            try await withSwitches { one, other, configuration, folder in
                var ends: [Int32] = [-1, -1]
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
                let owner = try ChildProcess.start(["sleep", "60"], input: ends[1], log: folder.log)
                let trunk = try ChildProcess.start(["wirefilter"] + configuration.arguments, input: ends[0], log: folder.log)
                for end in ends { close(end) }
                let socket = LocalSocket(path: configuration.managementSocket)
                while socket.listener != trunk.record.pid { try await Task.sleep(for: .milliseconds(2)) }
                if withoutSwitches {
                    for vdeSwitch in [one, other] {
                        vdeSwitch.process.signal(SIGKILL)
                        _ = await vdeSwitch.waitForExit()
                    }
                }
                #expect(trunk.exit == nil)
                owner.signal(SIGKILL)
                #expect(await trunk.waitForExit() == .exited(0))
                await owner.end()
            }
        }
    }

    @Test func `an attached trunk goes on, and is ended with the scope`() async throws {
        try await withSwitches { _, _, configuration, folder in
            var ends: [Int32] = [-1, -1]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
            let command = [try HostTool.wirefilter.locate()] + configuration.arguments
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
            for descriptor in [1, 2] as [Int32] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
            var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
            defer { for argument in arguments { free(argument) } }
            var pid: Int32 = 0
            try #require(posix_spawn(&pid, command[0], &actions, nil, &arguments, environ) == 0)
            close(ends[0])
            // As it arrives after an exec.
            _ = fcntl(ends[1], F_SETFD, 0)
            let record = ProcessRecord(pid: pid, command: command)
            var other = record
            other.startTime += 1
            let copy = dup(ends[1])
            await #expect(throws: Problem.self) {
                try await withAttachedTrunk(configuration, record: other, lifeline: copy, options: folder.options) { _ in }
            }
            #expect(fcntl(copy, F_GETFD) < 0)
            let lifeline = ends[1]
            try await withAttachedTrunk(configuration, record: record, lifeline: lifeline, options: folder.options) { trunk in
                #expect(trunk.record == record)
                #expect(trunk.isRunning)
                #expect(fcntl(lifeline, F_GETFD) & FD_CLOEXEC != 0)
            }
            #expect(ProcessRecord.startTime(pid: pid) == nil)
            #expect(!folder.leftovers.contains("t"))
        }
    }

    @Test func `what cannot be joined is told`() async throws {
        try await withSwitches { _, _, configuration, folder in
            var options = folder.options
            options.searchPath = folder.path
            let missing = await #expect(throws: Problem.self) { try await withTrunk(configuration, options: options) { _ in } }
            #expect(missing?.key == .toolMissing)
            // What a killed one leaves is no obstacle, and one that runs is.
            let killed = try await withTrunk(configuration, options: folder.options) { trunk in
                let busy = await #expect(throws: Problem.self) { try await withTrunk(configuration, options: folder.options) { _ in } }
                #expect(busy?.kind == .busy)
                #expect(busy?.why?.contains("\(trunk.record.pid)") == true)
                trunk.process.signal(SIGKILL)
                let exit = await trunk.waitForExit()
                #expect(folder.leftovers.contains("t"))
                try await withTrunk(configuration, options: folder.options) { next in #expect(next.isRunning) }
                return exit
            }
            #expect(killed == .signalled(SIGKILL))
            var none = configuration
            none.second.switchFolder = folder.path + "/no"
            let refused = await #expect(throws: Problem.self) { try await withTrunk(none, options: folder.options) { _ in } }
            #expect(refused?.why?.contains("wirefilter exited") == true)
            var silent = configuration
            silent.second.port = 9
            options = folder.options
            options.startLimit = .milliseconds(100)
            let waited = await #expect(throws: Problem.self) { try await withTrunk(silent, options: options) { _ in } }
            #expect(waited?.why?.contains("waited") == true)
            var loop = configuration
            loop.second.switchFolder = loop.first.switchFolder
            let round = await #expect(throws: Problem.self) { try await withTrunk(loop, options: folder.options) { _ in } }
            #expect(round?.kind == .invalidInput)
        }
    }
}
