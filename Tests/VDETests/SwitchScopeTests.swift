import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

@Suite("The scope of a switch", .tier(.contract)) struct SwitchScopeTests {
    private struct Stop: Error {}

    @Test(arguments: ["return", "throw", "cancel"]) func `nothing is left, whichever way the scope is left`(_ way: String) async throws {
        try await SwitchFolder.with { folder in
            let pids = EventHistory<Int32>()
            let client = EventHistory<Bool>()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                            try await vdeSwitch.withHostPort(1) { port in
                                client.append(port.port == 1)
                                pids.append(vdeSwitch.record.pid)
                                #expect(vdeSwitch.isRunning)
                                #expect(folder.leftovers.sorted() == ["m", "s"])
                                if way == "throw" { throw Stop() }
                                if way == "cancel" { #expect(await vdeSwitch.waitForExit() == nil) }
                            }
                        }
                        #expect(way != "throw")
                    } catch {
                        #expect(way == "throw" && error is Stop)
                    }
                }
                for await _ in pids {
                    if way == "cancel" { group.cancelAll() }
                    break
                }
            }
            #expect(client.snapshot == [true])
            #expect(folder.leftovers == [])
            let pid = try #require(pids.snapshot.first)
            #expect(ProcessRecord.startTime(pid: pid) == nil)
        }
    }

    @Test func `a switch cancelled while it starts is gone too`() async throws {
        try await SwitchFolder.with { folder in
            var options = folder.options
            options.launcher = ["/bin/sh", "-c", "echo $$; exec sleep 60"]
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [options] in
                    await #expect(throws: CancellationError.self) {
                        try await withVDESwitch(folder.configuration(), options: options) { _ in }
                    }
                }
                while !folder.words.hasSuffix("\n") { try? await Task.sleep(for: .milliseconds(2)) }
                group.cancelAll()
            }
            let pid = try #require(Int32(folder.words.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(ProcessRecord.startTime(pid: pid) == nil)
        }
    }

    @Test func `only its user may talk to it, and the launcher comes first`() async throws {
        try await SwitchFolder.with { folder in
            var options = folder.options
            options.launcher = ["/bin/sh", "-c", #"echo "$$" >"$0"; exec "$@""#, folder.path + "/pid"]
            try await withVDESwitch(folder.configuration(), options: options) { vdeSwitch in
                func mode(_ name: String) throws -> Int? {
                    (try FileManager.default.attributesOfItem(atPath: folder.path + name)[.posixPermissions] as? NSNumber)?.intValue
                }
                #expect(try mode("/s") == 0o700)
                #expect(try mode("/s/ctl") == 0o600)
                #expect(try mode("/m") == 0o600)
                let recorded = try String(contentsOfFile: folder.path + "/pid", encoding: .utf8)
                #expect(recorded == "\(vdeSwitch.record.pid)\n")
                #expect(vdeSwitch.record.startTime == ProcessRecord.startTime(pid: vdeSwitch.record.pid))
                #expect(getsid(vdeSwitch.record.pid) == vdeSwitch.record.pid)
            }
        }
    }

    @Test func `the switch ends when its lifeline is closed, although other children were started meanwhile`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            #expect(fcntl(vdeSwitch.lifeline, F_GETFD) & FD_CLOEXEC != 0)
            try await SwitchFolder.withSwitch { other in
                let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
                dup2(null, vdeSwitch.lifeline)
                close(null)
                #expect(await vdeSwitch.waitForExit() == .exited(0))
                #expect(other.isRunning)
            }
        }
    }

    @Test func `the switch ends when the process that holds its lifeline is killed`() async throws {
        try await SwitchFolder.with { folder in
            var ends: [Int32] = [-1, -1]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
            let owner = try ChildProcess.start(["sleep", "60"], input: ends[1], log: folder.log)
            let vdeSwitch = try ChildProcess.start(["vde_switch"] + folder.configuration().arguments(), input: ends[0], log: folder.log)
            for end in ends { close(end) }
            while !folder.leftovers.contains("m") { try await Task.sleep(for: .milliseconds(2)) }
            #expect(vdeSwitch.exit == nil)
            owner.signal(SIGKILL)
            #expect(await vdeSwitch.waitForExit() == .exited(0))
            await owner.end()
            #expect(folder.leftovers == [])
        }
    }

    @Test(.timeLimit(.minutes(5))) func `a switch that stands still is killed`() async throws {
        try await SwitchFolder.with { folder in
            let process = try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                vdeSwitch.process.signal(SIGSTOP)
                return vdeSwitch.process
            }
            #expect(process.exit == .signalled(SIGKILL))
            #expect(ProcessRecord.startTime(pid: process.record.pid) == nil)
            #expect(folder.leftovers == [])
        }
    }

    @Test func `a missing program, a long path and a folder that is not there are told`() async throws {
        try await SwitchFolder.with { folder in
            var options = folder.options
            options.searchPath = folder.path
            let missing = await #expect(throws: Problem.self) {
                try await withVDESwitch(folder.configuration(), options: options) { _ in }
            }
            #expect(missing?.key == .toolMissing)
            #expect(missing?.remedy?.contains("./ci/setup") == true)

            // Short as it is written, and too long as the switch would know it.
            let deep = folder.path + "/" + String(repeating: "d", count: 90)
            try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(atPath: folder.path + "/l", withDestinationPath: deep)
            var configuration = folder.configuration()
            configuration.socketFolder = folder.path + "/l/s"
            let long = await #expect(throws: Problem.self) {
                try await withVDESwitch(configuration, options: folder.options) { _ in }
            }
            #expect(long?.kind == .invalidInput)

            configuration.socketFolder = folder.path + "/no/s"
            let absent = await #expect(throws: Problem.self) {
                try await withVDESwitch(configuration, options: folder.options) { _ in }
            }
            #expect(absent?.why?.contains("Cannot create ctl directory") == true)
        }
    }

    @Test func `clients fit into the longest folder that is allowed`() async throws {
        try await SwitchFolder.with { folder in
            var configuration = folder.configuration(ports: 255)
            let room = SwitchConfiguration.folderLimit - folder.path.utf8.count - 1
            configuration.socketFolder = folder.path + "/" + String(repeating: "s", count: room)
            try await withVDESwitch(configuration, options: folder.options) { vdeSwitch in
                let ports = try await vdeSwitch.withHostPort(255) { _ in try await vdeSwitch.ports() }
                #expect(ports.map(\.number) == [255])
            }
            #expect(folder.leftovers == [])
        }
    }

    @Test func `two switches do not share sockets, and the second leaves the first alone`() async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration(), options: folder.options) { first in
                let whole = await #expect(throws: Problem.self) {
                    try await withVDESwitch(folder.configuration(), options: folder.options) { _ in }
                }
                #expect(whole?.kind == .busy)
                var configuration = folder.configuration()
                configuration.managementSocket = folder.path + "/m2"
                let data = await #expect(throws: Problem.self) {
                    try await withVDESwitch(configuration, options: folder.options) { _ in }
                }
                #expect(data?.kind == .busy)
                #expect(data?.location == configuration.socketFolder)
                configuration = folder.configuration()
                configuration.socketFolder = folder.path + "/s2"
                let management = await #expect(throws: Problem.self) {
                    try await withVDESwitch(configuration, options: folder.options) { _ in }
                }
                #expect(management?.kind == .busy)
                #expect(management?.why?.contains("\(first.record.pid)") == true)
                #expect(folder.leftovers.sorted() == ["m", "s"])
                try await first.createVLAN(7)
            }
        }
    }

    @Test func `a killed switch's leftovers are no obstacle, and what is not a switch's stays`() async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                try await vdeSwitch.withHostPort(3) { _ in
                    vdeSwitch.process.signal(SIGKILL)
                    _ = await vdeSwitch.waitForExit()
                }
                #expect(FileManager.default.fileExists(atPath: folder.path + "/s/ctl"))
                try Data("mine".utf8).write(to: URL(filePath: folder.path + "/s/1.5"))
                try await withVDESwitch(folder.configuration(), options: folder.options) { try await $0.createVLAN(1) }
            }
            #expect(folder.leftovers == ["s"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/s") == ["1.5"])
        }
    }
}
