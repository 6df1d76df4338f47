import Glibc
import GuestShell
import LabEvents
import QEMU
import Synchronization

extension Node {
    /// Asks the guest to power off and waits until its machine is gone. The disk stays; ``start()`` boots it again. Nothing happens when it is off.
    ///
    /// The guest is asked through its shell, or by the power button when no shell obeys.
    ///
    /// - Throws: a ``Problem`` when the budget is used up; the machine then still runs.
    public func shutdown(_ budget: Budget = .shutdown) async throws {
        guard let machine = mutable.withLock({ $0.machine }) else { return }
        mutable.withLock { $0.isEnding = true }
        let seen = changes.count
        if state == .ready {
            // The guest may be gone before it can answer.
            _ = try? await machine.shell.execute("poweroff", timeout: .seconds(10))
        } else {
            try? await machine.guest.powerdown()
        }
        do {
            try await waitFor(budget, "\(name): the machine is off", since: seen) { $0 == .off }
        } catch {
            mutable.withLock { $0.isEnding = false }
            throw error
        }
    }

    /// Ends the machine at once, as if the plug were pulled. The disk stays as it is. Nothing happens when it is off.
    public func powerCut() async throws {
        guard let machine = mutable.withLock({ $0.machine }) else { return }
        mutable.withLock { $0.isEnding = true }
        let seen = changes.count
        // Not QMP's `quit`, with which QEMU would first write what it holds, and which a QEMU that stands still does not take.
        let process = machine.guest.process
        if ProcessRecord.startTime(pid: process.pid) == process.startTime { kill(process.pid, SIGKILL) }
        try await waitFor(.shutdown, "\(name): the machine is off", since: seen) { $0 == .off }
    }

    /// Restarts the guest and waits until it obeys again. That it was a restart is seen by its boot id.
    ///
    /// - Throws: a ``Problem`` when the budget is used up, or the guest came back with the boot id it had.
    public func reboot(_ budget: Budget = .reboot) async throws {
        let machine = try machine()
        let before = try await bootIdentifier()
        let seen = changes.count
        _ = try? await machine.shell.execute("reboot", timeout: .seconds(10))
        try await waitFor(budget, "\(name): the guest obeys after its reboot", since: seen) { $0 == .ready }
        let after = try await bootIdentifier()
        guard before != after else {
            throw Problem(.failure, "\(name) did not reboot", why: "its boot id is still \(after)")
        }
    }

    /// Makes the processors stand still. Commands that run in the guest end with that cause.
    public func pause() async throws {
        let machine = try machine()
        let seen = changes.count
        try await machine.guest.pause()
        try await waitFor(.command, "\(name): the guest stands still", since: seen) { $0 == .paused }
    }

    /// Lets the processors run again and waits until the guest obeys, if it did before.
    public func resume() async throws {
        let machine = try machine()
        let wasReady = mutable.withLock { $0.readyBoot == $0.boot }
        let seen = changes.count
        try await machine.guest.resume()
        try await waitFor(.boot, "\(name): the guest goes on", since: seen) { $0 == .ready || (!wasReady && $0 == .booting) }
    }

    /// The guest's boot id (/proc/sys/kernel/random/boot_id), new with each boot.
    public func bootIdentifier() async throws -> String {
        try await run("cat /proc/sys/kernel/random/boot_id", timeout: Budget.command.scaled(by: context.pace)).stdout.trimmed
    }
}
