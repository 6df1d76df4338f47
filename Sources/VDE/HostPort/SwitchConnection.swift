import CVDEPlug
import Glibc
import LabEvents

/// A port of a switch that is joined, through libvdeplug.
struct SwitchConnection: Sendable {
    /// One thread at a time uses it; it goes from one to another under a lock.
    nonisolated(unsafe) let handle: OpaquePointer

    /// Where frames come from and go to: a datagram socket that is connected to the switch's.
    var data: Int32 { vde_datafd(handle) }
    /// Silent; its end is the end of the connection.
    var control: Int32 { vde_ctlfd(handle) }

    /// Joins a port. Blocks for as long as the switch does not answer: one that has no such port, or whose port is another user's, never does.
    ///
    /// - Parameter turn: taken, and given back when the switch has answered or somebody else gave it.
    /// - Returns: the connection, or the number of libvdeplug's error.
    static func open(_ address: PortAddress, description: String, turn: SwitchTurn) -> Result<SwitchConnection, SocketError> {
        turn.take()
        let handle = cvdeplug_open(address.switchFolder, description, Int32(address.port))
        let code = errno
        turn.give()
        guard let handle else { return .failure(SocketError(code: code)) }
        let connection = SwitchConnection(handle: handle)
        for descriptor in [connection.data, connection.control] {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
        return .success(connection)
    }

    /// Whether the switch has closed the connection.
    var isAtEnd: Bool {
        var byte: UInt8 = 0
        let count = recv(control, &byte, 1, Int32(MSG_DONTWAIT))
        return count == 0 || (count < 0 && ![EAGAIN, EINTR].contains(errno))
    }

    /// Closes the connection when the switch has seen the leaving, or after a second, less where it has kept another waiting.
    func leave(_ turn: SwitchTurn) {
        turn.take()
        shutdown(control, Int32(SHUT_WR))
        var poller = pollfd(fd: control, events: Int16(POLLIN), revents: 0)
        turn.note(isStill: poll(&poller, 1, turn.patience) == 0)
        vde_close(handle)
        turn.give()
    }

    /// Closes the connection to a switch that is gone.
    func close() { vde_close(handle) }
}

extension PortAddress {
    /// Why the port was not joined, from libvdeplug's `errno`.
    ///
    /// - Parameter who: what wanted to, such as `host port 3`.
    func refusal(_ code: Int32, to who: String) -> Problem {
        let words = String(cString: strerror(code))
        let failure = { (why: String, remedy: String) in
            Problem(.failure, "cannot join the switch at \(who)", location: switchFolder, why: why, remedy: remedy)
        }
        switch code {
        case EPROTONOSUPPORT:
            return .environment(
                .toolMissing, "libvdeplug cannot join a switch", location: switchFolder,
                why: "its module libvdeplug_vde.so cannot be loaded",
                remedy: "./ci/setup, or: sudo apt-get install libvdeplug2; unset VDEPLUGIN_PATH if it is set")
        case ENOENT, ECONNREFUSED, ENOTDIR:
            return failure("no switch listens there (\(words))", "see that the lab runs: vmlab list")
        case EACCES, EPERM:
            return failure(words, "a switch obeys the user who started it, and root")
        default:
            return failure("the switch hung up (\(words))", "look at the switch's log")
        }
    }
}

/// A thread of our own, which nobody joins; signals are other threads' matter.
///
/// - Returns: 0, or the number of the error with which no thread was made.
func startThread<Owner: AnyObject & Sendable>(_ owner: Owner, _ body: @escaping @Sendable (Owner) -> Void) -> Int32 {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(ThreadBody { body(owner) })
    let code = pthread_create(
        &thread, nil,
        { context in
            // libvdeplug's request would raise SIGPIPE where the switch has just ended.
            var signals = sigset_t()
            sigfillset(&signals)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }, context.toOpaque())
    if code == 0 { pthread_detach(thread) } else { context.release() }
    return code
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
