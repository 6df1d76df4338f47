public import FoundationEssentials
public import LabEvents

/// Where a guest stands.
public enum GuestState: Equatable, Sendable {
    /// The machine is made and its processors have not run yet.
    case starting
    /// The processors run.
    case running
    /// The processors stand still: stopped by a command, or by QEMU for the reason that it gave (its RunState, such as `io-error`).
    case paused(reason: String?)
    /// The guest's kernel panicked and the guest stands still.
    case panicked
    /// The guest powered itself off; QEMU is about to exit.
    case poweredOff
    /// QEMU is gone.
    case exited(ProcessExit)

    /// Whether the guest may still answer, now or after ``Guest/resume()``.
    public var isAlive: Bool {
        switch self {
        case .starting, .running, .paused: true
        case .panicked, .poweredOff, .exited: false
        }
    }
}

/// Something that happened to a guest. Each is a reason for somebody's wait to end.
public struct GuestEvent: Equatable, Sendable {
    /// What can happen to a guest.
    public enum Kind: Equatable, Sendable {
        /// The processors run, for the first time or again.
        case resumed
        /// The processors stand still; the reason is QEMU's RunState, such as `paused`, `io-error` or `internal-error`.
        case paused(reason: String?)
        /// The kernel panicked, and what QEMU did about it: `pause`, `poweroff` or `run`.
        case panicked(action: String)
        /// The machine was reset and boot number `boot` began (the first start is boot 1). ``Guest/console`` is the new boot's already.
        case reset(boot: Int, byGuest: Bool, reason: String?)
        /// The guest was asked to power off.
        case powerdownRequested
        /// The guest powered itself off.
        case poweredOff(reason: String?)
        /// QEMU was told to end, by a command or a signal.
        case ending(reason: String?)
        /// The serial console could not move on to the new boot's files; it stays on the old ones.
        case consoleNotMoved(reason: String)
        /// QEMU is gone. Always the last event.
        case exited(ProcessExit)
    }

    /// When it happened.
    public var time: Date
    /// What happened.
    public var kind: Kind

    /// An event at a time.
    public init(time: Date, kind: Kind) {
        self.time = time
        self.kind = kind
    }
}
