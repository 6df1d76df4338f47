public import LabEvents

/// A way to talk to a QEMU: a socket, or another program that passes commands on (libvirt).
public protocol Monitor: Sendable {
    /// Everything that QEMU reported since the connection was made. Each reader starts at the beginning; the sequence ends with the
    /// connection.
    var events: EventHistory<QMPEvent> { get }

    /// Sends a command and waits for its answer. Any number of tasks may do so at once.
    ///
    /// - Throws: ``MonitorError`` when QEMU refuses, when the connection ends first (at once, with the cause), or when the task is
    ///   cancelled.
    @discardableResult
    func execute<Command: QMPCommand>(_ command: Command) async throws(MonitorError) -> Command.Return
}

/// Why a command has no answer.
public enum MonitorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// QEMU refused the command, with its error class and text.
    case refused(command: String, errorClass: String, description: String)
    /// The connection ended, or had ended, before the answer came.
    case disconnected(command: String, reason: String)
    /// The answer is not of the form that the command has.
    case unexpectedReply(command: String, reason: String)
    /// The waiting task was cancelled; QEMU may have acted on the command.
    case cancelled(command: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .refused(let command, let errorClass, let description): "QEMU refused \(command): \(description) (\(errorClass))"
        case .disconnected(let command, let reason): "no answer to \(command): \(reason)"
        case .unexpectedReply(let command, let reason): "unexpected answer to \(command): \(reason)"
        case .cancelled(let command): "the wait for \(command) was cancelled"
        }
    }
}
