import Foundation
import Glibc
import GuestShell
import LabEvents
import QEMU
import Testing
import VMLab

/// What happens to a command when its guest goes away, stands still or starts again.
@Suite("A guest lost in the middle of a command", .tier(.guest), .serialized)
struct LossTests {
    /// Starts a long command, does something to the guest once it runs, and measures how long after the event the command ended.
    private func lose(
        _ machine: Machine, event: (GuestEvent.Kind) -> Bool, by action: (Machine) async throws -> Void
    ) async throws -> (loss: GuestLoss?, delay: TimeInterval) {
        let shell = machine.shell
        let seen = machine.guest.events.count
        return try await withThrowingTaskGroup(of: (GuestLoss?, Date).self) { group in
            group.addTask {
                do {
                    _ = try await shell.execute("echo begun; sleep 4444")
                    return (nil, Date())
                } catch {
                    return (loss(error), Date())
                }
            }
            while try await !shell.execute("pidof sleep").succeeded {}
            try await action(machine)
            let result = try await group.next() ?? (nil, Date())
            for await item in machine.guest.events.dropFirst(seen) where event(item.kind) {
                return (result.0, result.1.timeIntervalSince(item.time))
            }
            return (result.0, .infinity)
        }
    }

    @Test("QEMU killed")
    func killed() async throws {
        try await GuestFixture.boot { machine async throws in
            let result = try await lose(machine, event: { if case .exited = $0 { true } else { false } }) { machine async throws in
                kill(machine.guest.process.pid, SIGKILL)
            }
            guard case .exited(let how) = result.loss else {
                Issue.record("named \(String(describing: result.loss))")
                return
            }
            #expect(how.contains("9") || how.lowercased().contains("kill"))
            #expect(result.delay < 1)
            await #expect(throws: GuestShellError.self) { try await machine.shell.execute("true") }
        }
    }

    @Test("Kernel panic")
    func panicked() async throws {
        try await GuestFixture.boot { machine async throws in
            let result = try await lose(machine, event: { if case .panicked = $0 { true } else { false } }) { machine async throws in
                await #expect(throws: GuestShellError.self) { try await machine.shell.execute("echo c >/proc/sysrq-trigger; sleep 100") }
            }
            #expect(result.loss == .panicked)
            #expect(result.delay < 1)
            #expect(try String(contentsOfFile: machine.guest.console.logPath, encoding: .utf8).contains("Kernel panic - not syncing"))
        }
    }

    @Test("Power-off by the guest")
    func poweredOff() async throws {
        try await GuestFixture.boot { machine async throws in
            let result = try await lose(machine, event: { if case .poweredOff = $0 { true } else { false } }) { machine async throws in
                _ = try? await machine.shell.execute("poweroff -f; sleep 100")
            }
            #expect(result.loss == .poweredOff)
            #expect(result.delay < 1)
        }
    }

    @Test("Stopped over QMP, then resumed: the guest obeys again and the old command is gone")
    func paused() async throws {
        try await GuestFixture.boot { machine async throws in
            let result = try await lose(machine, event: { if case .paused = $0 { true } else { false } }) { machine async throws in
                try await machine.guest.pause()
            }
            #expect(result.loss == .paused)
            #expect(result.delay < 1)
            await #expect(throws: GuestShellError.self) { try await machine.shell.execute("true") }
            try await machine.guest.resume()
            try await eventually { try await machine.shell.execute("echo back").output == "back" }
            // By its arguments: one that was ended may still be waiting to be reaped.
            #expect(try await machine.shell.execute("ps | grep 'sleep 444[4]'").output.isEmpty)
        }
    }

    @Test("Reboot by the guest, twice: it obeys again each time, and each boot has its own log")
    func rebooted() async throws {
        try await GuestFixture.boot { machine async throws in
            for boot in 2...3 {
                let before = try await machine.shell.execute("cat /proc/sys/kernel/random/boot_id").output
                let result = try await lose(machine, event: { if case .reset = $0 { true } else { false } }) { machine async throws in
                    _ = try? await machine.shell.execute("reboot -f; sleep 100")
                }
                #expect(result.loss == .rebooted)
                #expect(result.delay < 1)
                let after = try await machine.shell.execute("cat /proc/sys/kernel/random/boot_id").output
                #expect(after != before && !after.isEmpty)
                #expect(machine.guest.boot == boot)
                let log = try String(contentsOfFile: machine.guest.console.logPath, encoding: .utf8)
                #expect(log.contains("Linux version"))
            }
        }
    }

    /// Repeats until true; a guest that was just resumed may refuse until it was told.
    private func eventually(_ condition: () async throws -> Bool) async throws {
        let start = ContinuousClock.now
        while start.duration(to: .now) < GuestFixture.readyTimeout {
            if let isTrue = try? await condition(), isTrue { return }
        }
        Issue.record("did not come true")
    }
}
