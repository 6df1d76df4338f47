import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

@Suite("Attaching to a running switch", .tier(.contract)) struct AttachedSwitchTests {
    /// Starts a switch as the executable before an exec would have: a child that nobody here watches.
    private func start(_ configuration: SwitchConfiguration) throws -> (ProcessRecord, lifeline: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        defer { close(ends[0]) }
        let command = [try HostTool.vdeSwitch.locate()] + configuration.arguments()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        for descriptor in [1, 2] as [Int32] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: Int32 = 0
        try #require(posix_spawn(&pid, command[0], &actions, nil, &arguments, environ) == 0)
        // As it arrives after an exec.
        _ = fcntl(ends[1], F_SETFD, 0)
        return (ProcessRecord(pid: pid, command: command), ends[1])
    }

    @Test func `an attached switch has its state, obeys, and is ended with the scope`() async throws {
        try await SwitchFolder.with { folder in
            let configuration = folder.configuration()
            let (record, lifeline) = try start(configuration)
            let copy = dup(lifeline)
            defer { close(copy) }
            try await withAttachedVDESwitch(configuration, record: record, lifeline: lifeline, options: folder.options) { vdeSwitch in
                #expect(vdeSwitch.record == record)
                #expect(vdeSwitch.lifeline == lifeline)
                #expect(fcntl(lifeline, F_GETFD) & FD_CLOEXEC != 0)
                try await vdeSwitch.createVLAN(9)
                #expect(try await vdeSwitch.vlans().map(\.vlan) == [0, 9])
            }
            // The copy held the switch alive, so it was the signal that ended it.
            #expect(ProcessRecord.startTime(pid: record.pid) == nil)
            #expect(folder.leftovers == [])
        }
    }

    @Test func `the attached switch's death is told at once`() async throws {
        try await SwitchFolder.with { folder in
            let configuration = folder.configuration()
            let (record, lifeline) = try start(configuration)
            try await withAttachedVDESwitch(configuration, record: record, lifeline: lifeline, options: folder.options) { vdeSwitch in
                kill(record.pid, SIGKILL)
                #expect(await vdeSwitch.waitForExit() == .signalled(SIGKILL))
                let problem = await #expect(throws: Problem.self) { try await vdeSwitch.createVLAN(1) }
                #expect(problem?.key == .switchDied)
            }
            #expect(folder.leftovers == [])
        }
    }

    @Test func `another process is left alone, and the lifeline is closed`() async throws {
        try await SwitchFolder.with { folder in
            let configuration = folder.configuration()
            let (record, lifeline) = try start(configuration)
            var other = record
            other.startTime += 1
            let copy = dup(lifeline)
            let problem = await #expect(throws: Problem.self) {
                try await withAttachedVDESwitch(configuration, record: other, lifeline: copy, options: folder.options) { _ in }
            }
            #expect(problem?.why?.contains("another one") == true)
            #expect(ProcessRecord.startTime(pid: record.pid) == record.startTime)
            let lost = await #expect(throws: Problem.self) {
                try await withAttachedVDESwitch(configuration, record: record, lifeline: -1, options: folder.options) { _ in }
            }
            #expect(lost?.what.contains("lifeline") == true)
            // The last copy: had the refusal kept its own, the switch would not end by itself.
            let process = try ChildProcess.attach(record)
            close(lifeline)
            #expect(await process.waitForExit() == .exited(0))
        }
    }
}
