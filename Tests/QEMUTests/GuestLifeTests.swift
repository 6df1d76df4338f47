import Foundation
import Glibc
import LabEvents
import Synchronization
import Testing

@testable import QEMU

/// Starts real QEMU processes under TCG with guests of a few instructions.
@Suite(.tier(.contract), .serialized, .timeLimit(.minutes(5))) struct GuestLifeTests {
    /// A guest in a folder of its own, with one boot sector as its disk.
    private func configuration(_ folder: String, _ sector: BootSector?) throws -> QEMUConfiguration {
        var configuration = sample(interfaces: 1)
        configuration.memory = .init(mebibytes: 64, path: folder + "/ram")
        configuration.serial = SerialConsole(socketPrefix: folder + "/ttyS0", logPrefix: folder + "/serial")
        configuration.monitorSocket = folder + "/qmp.sock"
        configuration.channels = [
            GuestChannel(kind: .console, name: "hvc0", socketPath: folder + "/hvc0.sock"),
            GuestChannel(kind: .port, name: "shell.0", socketPath: folder + "/shell0.sock"),
        ]
        if let sector {
            try write(sector.disk, to: folder + "/disk.raw")
            configuration.disks = [Disk(path: folder + "/disk.raw", format: .raw, bootIndex: 0)]
        }
        return configuration
    }

    private func withGuest<Result: Sendable>(
        _ sector: BootSector?, change: (inout QEMUConfiguration) -> Void = { _ in }, body: (Guest, String) async throws -> Result
    ) async throws -> Result {
        try await withTestFolder { folder in
            var configuration = try configuration(folder, sector)
            change(&configuration)
            let result: Result
            var pid: Int32 = 0
            result = try await withQEMU(configuration, options: QEMUOptions(log: folder + "/stderr.log")) { guest in
                pid = guest.process.pid
                return try await body(guest, folder)
            }
            #expect(ProcessRecord.startTime(pid: pid) == nil)
            try expectNoLeftovers(folder)
            return result
        }
    }

    private func expectNoLeftovers(_ folder: String) throws {
        let left = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".sock") || $0 == "ram" }
        #expect(left == [])
    }

    private func first(_ guest: Guest, where predicate: @Sendable (GuestEvent.Kind) -> Bool) async -> GuestEvent.Kind? {
        await guest.events.first { predicate($0.kind) }?.kind
    }

    @Test func `a guest is made, runs, stops, goes on and is gone after its scope`() async throws {
        try await withGuest(.idle) { guest, folder in
            #expect(guest.state == .starting)
            #expect(guest.process.startTime > 0)
            #expect(guest.console.socketPath == folder + "/ttyS0-1.sock")
            #expect(try await guest.monitor.execute(QMP.QueryKVM()).enabled == false)
            #expect(try await guest.monitor.execute(QMP.QueryVersion()).qemu.major >= 7)
            try await guest.resume()
            _ = await first(guest) { $0 == .resumed }
            #expect(guest.state == .running)
            try await guest.pause()
            #expect(await first(guest) { if case .paused = $0 { true } else { false } } == .paused(reason: "paused"))
            #expect(guest.state == .paused(reason: "paused"))
            try await guest.resume()
            try await guest.powerdown()
            #expect(await first(guest) { $0 == .powerdownRequested } != nil)
            try await guest.monitor.execute(QMP.SetLink(device: NetworkInterface.deviceIdentifier(0), isUp: false))
            await #expect(throws: MonitorError.self) { try await guest.monitor.execute(QMP.Custom("no-such-command")) }
            try await guest.quit()
            #expect(await guest.waitForExit() == .exited(0))
            #expect(guest.state == .exited(.exited(0)))
            await #expect(throws: MonitorError.self) { try await guest.resume() }
        }
    }

    @Test func `a killed QEMU ends waiting calls and events at once`() async throws {
        try await withGuest(.idle) { guest, _ in
            try await guest.resume()
            let clock = ContinuousClock()
            let killed = clock.now
            #expect(kill(guest.process.pid, SIGKILL) == 0)
            #expect(await guest.waitForExit() == .signalled(9))
            #expect(clock.now - killed < .seconds(1))
            let error = await #expect(throws: MonitorError.self) { try await guest.pause() }
            guard case .disconnected = error else { return #expect(Bool(false), "\(String(describing: error))") }
        }
    }

    @Test func `a panic pauses the guest and is named`() async throws {
        try await withGuest(.panic) { guest, folder in
            try await guest.resume()
            #expect(await first(guest) { if case .panicked = $0 { true } else { false } } == .panicked(action: "pause"))
            #expect(guest.state == .panicked)
            #expect(try await guest.monitor.execute(QMP.QueryStatus()).status == "guest-panicked")
            #expect(text(folder + "/serial-1.log") == "hello\n")
        }
    }

    @Test func `a guest that powers off is told from one that is quit`() async throws {
        try await withGuest(.powerOff) { guest, _ in
            try await guest.resume()
            #expect(await guest.waitForExit() == .exited(0))
            let kinds = guest.events.snapshot.map(\.kind)
            #expect(kinds == [.resumed, .poweredOff(reason: "guest-shutdown"), .exited(.exited(0))])
        }
    }

    @Test func `each boot has its own serial log and socket`() async throws {
        try await withGuest(.reset) { guest, folder in
            try await guest.resume()
            let third = await first(guest) { if case .reset(let boot, _, _) = $0 { boot == 3 } else { false } }
            #expect(third == .reset(boot: 3, byGuest: true, reason: "guest-reset"))
            let console = guest.console
            #expect(console.boot >= 3)
            #expect(FileManager.default.fileExists(atPath: console.socketPath))
            #expect(!FileManager.default.fileExists(atPath: folder + "/ttyS0-1.sock"))
            try await guest.pause()
            #expect(text(folder + "/serial-1.log") == "hello\n")
            #expect(text(folder + "/serial-2.log") == "hello\n")
        }
    }

    @Test func `a reset by command is a new boot too`() async throws {
        try await withGuest(.idle) { guest, folder in
            try await guest.resume()
            try await guest.reset()
            let reset = await first(guest) { if case .reset = $0 { true } else { false } }
            #expect(reset == .reset(boot: 2, byGuest: false, reason: "host-qmp-system-reset"))
            #expect(guest.boot == 2)
            #expect(guest.console == .init(boot: 2, socketPath: folder + "/ttyS0-2.sock", logPath: folder + "/serial-2.log"))
        }
    }

    @Test func `a guest with UEFI, two disks and many channels starts under the sandbox`() async throws {
        try await withGuest(.idle) { configuration in
            let folder = URL(filePath: configuration.monitorSocket).deletingLastPathComponent().path
            if let firmware = try? Firmware.locate(), let boot = try? firmware.prepare(variables: folder + "/vars,1.fd") {
                configuration.firmware = boot
            }
            configuration.processors = 2
            configuration.memory.mebibytes = 128
            configuration.channels += (1..<40).map { GuestChannel(kind: .port, name: "p\($0)", socketPath: "\(folder)/p\($0).sock") }
        } body: { guest, _ in
            guard case .uefi = guest.configuration.firmware else { return #expect(Bool(false), "no OVMF") }
            try await guest.resume()
            #expect(try await guest.monitor.execute(QMP.QueryStatus()).running)
        }
    }

    @Test func `a body that throws, and a scope that is cancelled, leave nothing`() async throws {
        struct Stop: Error {}
        await #expect(throws: Stop.self) {
            try await self.withGuest(.idle) { guest, _ in
                try await guest.resume()
                throw Stop()
            }
        }
        try await withTestFolder { folder in
            let configuration = try configuration(folder, .idle)
            let pids = EventHistory<Int32>()
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    try? await withQEMU(configuration, options: QEMUOptions(log: folder + "/log")) { guest in
                        pids.append(guest.process.pid)
                        _ = await guest.waitForExit()
                    }
                }
                _ = await pids.first { _ in true }
                group.cancelAll()
            }
            let pid = try #require(pids.snapshot.first)
            #expect(ProcessRecord.startTime(pid: pid) == nil)
            try expectNoLeftovers(folder)
        }
    }

    @Test func `a QEMU that does not react is killed`() async throws {
        try await withGuest(.idle) { guest, _ in
            #expect(kill(guest.process.pid, SIGSTOP) == 0)
        }
    }

    @Test func `the launcher runs first and every QMP line is recorded`() async throws {
        try await withTestFolder { folder in
            var options = QEMUOptions(log: folder + "/log")
            options.launcher = ["/bin/sh", "-c", "echo $$ > \(folder)/pid; exec \"$@\"", "sh"]
            let lines = Mutex<[QMPTraffic]>([])
            options.transcript = { traffic in lines.withLock { $0.append(traffic) } }
            let pid = try await withQEMU(try configuration(folder, .idle), options: options) { guest in
                try await guest.resume()
                return guest.process.pid
            }
            #expect(text(folder + "/pid") == "\(pid)\n")
            let sent = lines.withLock { $0 }.filter { $0.direction == .sent }.map(\.line)
            #expect(sent.contains { $0.contains("qmp_capabilities") })
            #expect(sent.last?.contains("\"quit\"") == true)
            #expect(lines.withLock { $0 }.contains { $0.direction == .received && $0.line.contains("\"QMP\"") })
        }
    }

    struct BadStart: Sendable {
        var name: String
        var kind: Problem.Kind
        var key: EnvironmentKey?
        var sign: String
        var change: @Sendable (inout QEMUConfiguration, String) throws -> Void
    }

    @Test(arguments: [
        BadStart(name: "corrupt qcow2", kind: .invalidInput, sign: "corrupt") { configuration, folder in
            try write(Array("not an image".utf8), to: folder + "/bad.qcow2")
            configuration.disks = [Disk(path: folder + "/bad.qcow2")]
        },
        BadStart(name: "missing disk", kind: .invalidInput, sign: "missing") { configuration, folder in
            configuration.disks = [Disk(path: folder + "/none.qcow2")]
        },
        BadStart(name: "missing kernel", kind: .invalidInput, sign: "missing") { configuration, folder in
            configuration.kernel = DirectKernel(kernel: folder + "/vmlinuz")
        },
        BadStart(name: "memory file", kind: .invalidInput, sign: "missing") { configuration, folder in
            configuration.memory.path = folder + "/no/such/folder/ram"
        },
    ]) func `a bad start is one problem with its remedy`(_ bad: BadStart) async throws {
        try await withTestFolder { folder in
            var configuration = try configuration(folder, .idle)
            try bad.change(&configuration, folder)
            let changed = configuration
            let problem = await #expect(throws: Problem.self) {
                try await withQEMU(changed, options: QEMUOptions(log: folder + "/log")) { _ in }
            }
            #expect(problem?.kind == bad.kind, "\(String(describing: problem))")
            #expect(problem?.key == bad.key)
            #expect(problem?.what.contains(bad.sign) == true, "\(String(describing: problem))")
            #expect(problem?.remedy != nil)
            try expectNoLeftovers(folder)
        }
    }

    @Test func `a disk that another guest writes to is busy`() async throws {
        try await withGuest(.idle) { guest, folder in
            var second = guest.configuration
            second.memory.path = folder + "/ram2"
            second.serial.socketPrefix = folder + "/second"
            second.monitorSocket = folder + "/qmp2.sock"
            second.channels = []
            let configuration = second
            let problem = await #expect(throws: Problem.self) {
                try await withQEMU(configuration, options: QEMUOptions(log: folder + "/log2")) { _ in }
            }
            #expect(problem?.kind == .busy, "\(String(describing: problem))")
        }
    }

    @Test func `no QEMU on PATH names its package`() async throws {
        try await withTestFolder { folder in
            let configuration = try configuration(folder, .idle)
            let problem = await #expect(throws: Problem.self) {
                try await withQEMU(configuration, options: QEMUOptions(log: folder + "/log", searchPath: folder)) { _ in }
            }
            #expect(problem?.key == .toolMissing)
            #expect(problem?.remedy == "./ci/setup, or: sudo apt-get install qemu-system-x86")
        }
    }
}
