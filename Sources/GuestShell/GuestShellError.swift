public import LabEvents

/// Why the guest cannot answer. Every call that waits for the guest ends with it at once.
public enum GuestLoss: Sendable, Equatable, CustomStringConvertible {
    /// The QEMU process ended; the text says how (status or signal).
    case exited(String)
    /// The guest's kernel panicked.
    case panicked
    /// The guest restarted while the command ran; it obeys again once it is up.
    case rebooted
    /// The guest switched itself off.
    case poweredOff
    /// The guest's processors were stopped; it obeys again once it is resumed.
    case paused
    /// The scope of the shell ended.
    case closed

    /// The cause as a clause: `the guest rebooted`.
    public var description: String {
        switch self {
        case .exited(let how): "QEMU ended (\(how))"
        case .panicked: "the guest's kernel panicked"
        case .rebooted: "the guest rebooted"
        case .poweredOff: "the guest powered off"
        case .paused: "the guest is paused"
        case .closed: "the connection to the guest was closed"
        }
    }

    /// Whether the same guest may answer later without being started anew.
    var mayReturn: Bool { self == .rebooted || self == .paused }
}

/// What can go wrong between the harness and a shell in a guest. A command that fails is not among these: its status is a result.
public enum GuestShellError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The guest is gone or stopped. `command` is what was running, nil when nothing was.
    case lost(GuestLoss, node: String, command: String?)
    /// No bootstrap console answered within the limit; `tried` says what each one did last.
    case noShell(node: String, seconds: Double, tried: [String])
    /// The guest's end of a channel no longer speaks the protocol; it was dropped, and the next command gets a fresh one.
    case channelBroken(node: String, detail: String)
    /// A file came out different from what went in, or could not be read or written.
    case transfer(node: String, path: String, reason: String)
    /// A command, path or variable that cannot be sent to a shell.
    case invalid(node: String, reason: String)

    /// One sentence: which node, what, why.
    public var description: String {
        switch self {
        case .lost(let loss, let node, let command?): "\(node): \(loss) while this ran: \(Self.shorten(command))"
        case .lost(let loss, let node, nil): "\(node): \(loss)"
        case .noShell(let node, let seconds, let tried):
            "\(node): no shell answered within \(Int(seconds.rounded())) s (\(tried.joined(separator: "; ")))"
        case .channelBroken(let node, let detail): "\(node): the command channel broke: \(detail)"
        case .transfer(let node, let path, let reason): "\(node): \(path): \(reason)"
        case .invalid(let node, let reason): "\(node): \(reason)"
        }
    }

    /// The error as the command line prints it.
    public var problem: Problem {
        switch self {
        case .noShell(let node, _, _):
            Problem(
                .failure, description, location: "\(node): serial console and bootstrap console",
                remedy: "read the serial log; an image needs bash on /dev/hvc0 or a root login on ttyS0 (--login USER:PASSWORD)"
            )
        case .invalid: Problem(.invalidInput, description)
        default: Problem(.failure, description)
        }
    }

    private static func shorten(_ command: String) -> String {
        let line = command.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? command
        return line.count > 120 ? line.prefix(117) + "…" : line
    }
}
