import FoundationEssentials
public import LabEvents
import Synchronization

/// A running virtual machine, inside the scope of ``withQEMU(_:options:body:)``.
public final class Guest: Sendable {
    /// The sockets and files of the serial console during one boot.
    public struct Console: Equatable, Sendable {
        /// The boot that writes to it, counted from 1.
        public var boot: Int
        /// Where QEMU listens. One client at a time; the connection ends when the console moves on.
        public var socketPath: String
        /// Everything the guest wrote in this boot.
        public var logPath: String
    }

    private struct State {
        var state = GuestState.starting
        var boot = 1
        var consoleBoot = 1
        var resets = ResetFilter()
    }

    /// What the guest was made of.
    public let configuration: QEMUConfiguration
    /// The connection to QEMU.
    public let monitor: any Monitor
    /// QEMU's process.
    public let process: ProcessRecord
    /// Everything that happened to the guest so far and from now on; see ``EventHistory``. Ends after ``GuestEvent/Kind/exited(_:)``.
    public let events = EventHistory<GuestEvent>()

    private let mutable = Mutex(State())

    init(configuration: QEMUConfiguration, monitor: any Monitor, process: ProcessRecord) {
        self.configuration = configuration
        self.monitor = monitor
        self.process = process
    }

    /// Where the guest stands now.
    public var state: GuestState { mutable.withLock { $0.state } }

    /// The number of the current boot, from 1.
    public var boot: Int { mutable.withLock { $0.boot } }

    /// The serial console as it is now. After a reset it is another one; ``GuestEvent/Kind/reset(boot:byGuest:reason:)`` says when.
    public var console: Console { console(boot: mutable.withLock { $0.consoleBoot }) }

    /// Lets the processors run; the first call starts the guest.
    public func resume() async throws(MonitorError) { try await monitor.execute(QMP.Continue()) }

    /// Makes the processors stand still.
    public func pause() async throws(MonitorError) { try await monitor.execute(QMP.Stop()) }

    /// Asks the guest to power off, like the power button.
    public func powerdown() async throws(MonitorError) { try await monitor.execute(QMP.Powerdown()) }

    /// Resets the machine, like the reset button. After a panic the machine stands still until ``resume()``.
    public func reset() async throws(MonitorError) { try await monitor.execute(QMP.Reset()) }

    /// Ends QEMU without asking the guest.
    public func quit() async throws(MonitorError) { try await monitor.execute(QMP.Quit()) }

    /// Waits until QEMU is gone.
    ///
    /// - Returns: how it ended; nil when the waiting task was cancelled.
    public func waitForExit() async -> ProcessExit? {
        for await event in events {
            if case .exited(let status) = event.kind { return status }
        }
        return nil
    }

    /// Turns QEMU's events into the guest's until the connection ends.
    func follow() async {
        for await event in monitor.events { await take(event) }
    }

    /// Records the end of QEMU; only the first call counts.
    func finish(_ status: ProcessExit?) {
        let isFirst = mutable.withLock { state in
            if case .exited = state.state { return false }
            if let status { state.state = .exited(status) }
            return true
        }
        if isFirst, let status { events.append(GuestEvent(time: Date(), kind: .exited(status))) }
        events.finish()
    }

    private func take(_ event: QMPEvent) async {
        switch event.kind {
        case .resume: publish(.resumed, event, state: .running)
        case .stop:
            // QEMU stops a panicked guest too; that it panicked is what counts.
            guard state != .panicked else { return }
            let reason = try? await monitor.execute(QMP.QueryStatus()).status
            publish(.paused(reason: reason), event, state: .paused(reason: reason))
        case .guestPanicked(let action):
            publish(.panicked(action: action), event, state: action == "run" ? nil : .panicked)
        case .reset(let byGuest, let reason): await takeReset(event, byGuest: byGuest, reason: reason)
        case .powerdown: publish(.powerdownRequested, event)
        case .shutdown(byGuest: true, let reason): publish(.poweredOff(reason: reason), event, state: .poweredOff)
        case .shutdown(byGuest: false, let reason): publish(.ending(reason: reason), event)
        case .portChanged, .blockError, .receiveFilterChanged, .other: break
        }
    }

    private func takeReset(_ event: QMPEvent, byGuest: Bool, reason: String?) async {
        let size = try? FileManager.default.attributesOfItem(atPath: console.logPath)[.size] as? Int
        let boot = mutable.withLock { state -> Int? in
            guard state.resets.beginsBoot(at: event.time, byGuest: byGuest, isSilent: (size ?? 0) == 0) else { return nil }
            state.boot += 1
            return state.boot
        }
        guard let boot else { return }
        // Before the reset is announced, so that whoever hears of it finds the new console. The firmware has written nothing yet: it takes
        // longer to start.
        await moveConsole(to: boot, event)
        let state: GuestState? = self.state == .panicked ? .paused(reason: "prelaunch") : nil
        publish(.reset(boot: boot, byGuest: byGuest, reason: reason), event, state: state)
    }

    private func moveConsole(to boot: Int, _ event: QMPEvent) async {
        let next = console(boot: boot)
        do {
            try await monitor.execute(
                QMP.ChangeSocket(identifier: SerialConsole.chardev, socketPath: next.socketPath, logPath: next.logPath))
            mutable.withLock { $0.consoleBoot = boot }
        } catch .refused(_, _, let description) {
            publish(.consoleNotMoved(reason: description), event)
        } catch {
            // The connection is over, and with it the guest; the exit says so.
        }
    }

    private func console(boot: Int) -> Console {
        Console(
            boot: boot, socketPath: configuration.serial.socketPath(boot: boot), logPath: configuration.serial.logPath(boot: boot))
    }

    private func publish(_ kind: GuestEvent.Kind, _ event: QMPEvent, state: GuestState? = nil) {
        if let state { mutable.withLock { $0.state = state } }
        events.append(GuestEvent(time: event.time, kind: kind))
    }
}
