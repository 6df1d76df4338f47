import CVDEPlug
import Glibc
import LabEvents
import Synchronization

/// A thread that joins a port of a switch, as soon as there is a switch, and then ends. libvdeplug's opening may block, which the thread that
/// moves frames must not.
///
/// A switch that is not there is looked for after 5 ms, then at doubled times up to 100 ms: nothing announces it that would not be announced
/// to each of its clients at the same moment, and there is a thread only as long as there is no switch.
final class SegmentOpener: Sendable {
    private static let paces: ClosedRange<Int32> = 5...100

    private struct State {
        var connection: SwitchConnection?
        var isStopped = false
        var isBlocked = false
        var error: SocketError?
    }

    /// Readable when there is a connection to take, or the thread has ended.
    let descriptor: Int32
    private let threadEnd: Int32
    private let address: PortAddress
    private let description: String
    private let turn: SwitchTurn
    private let isPatient: Bool
    private let state = Mutex(State())

    /// Starts the thread.
    ///
    /// - Parameter isPatient: whether the first attempt is made after the longest pace only.
    init(_ address: PortAddress, description: String, turn: SwitchTurn, isPatient: Bool = false) throws(Problem) {
        (self.address, self.description, self.turn, self.isPatient) = (address, description, turn, isPatient)
        let (ends, code) = localPair()
        (descriptor, threadEnd) = ends
        guard code == 0 else { throw Self.problem("make a pair of sockets", code) }
        let failure = startThread(self) { $0.run() }
        guard failure == 0 else {
            Glibc.close(threadEnd)
            throw Self.problem("start a thread", failure)
        }
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// Why the last attempt failed.
    var error: SocketError? { state.withLock { $0.error } }

    /// The connection, for the one who asks first; nil when there is none yet.
    func take() -> SwitchConnection? {
        state.withLock { state in
            defer { state.connection = nil }
            return state.connection
        }
    }

    /// Ends the thread, and waits for that unless a switch that stands still has it: then it ends when the switch answers or ends.
    func stop() {
        let (connection, isBlocked) = state.withLock { state in
            state.isStopped = true
            defer { state.connection = nil }
            return (state.connection, state.isBlocked)
        }
        shutdown(descriptor, Int32(SHUT_WR))
        if isBlocked { turn.give() }
        var poller = pollfd(fd: descriptor, events: 0, revents: 0)
        // Asked for nothing, poll(2) still tells of the hang-up.
        poll(&poller, 1, isBlocked ? 50 : 1000)
        connection?.leave(turn)
    }

    private func run() {
        var pace = Self.paces.lowerBound
        if isPatient { _ = isAsked(within: Self.paces.upperBound) }
        while !state.withLock({ $0.isStopped }) {
            state.withLock { $0.isBlocked = true }
            let answer = SwitchConnection.open(address, description: description, turn: turn)
            let isStopped = state.withLock { state in
                state.isBlocked = false
                if case .failure(let error) = answer { state.error = error }
                if case .success(let connection) = answer, !state.isStopped { state.connection = connection }
                return state.isStopped
            }
            if case .success(let connection) = answer {
                if isStopped { connection.leave(turn) }
                break
            }
            if isAsked(within: pace) { break }
            pace = min(pace * 2, Self.paces.upperBound)
        }
        // The other side sees the end, and with it the connection.
        Glibc.close(threadEnd)
    }

    /// Waits some milliseconds, unless it is asked to end.
    private func isAsked(within limit: Int32) -> Bool {
        var poller = pollfd(fd: threadEnd, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, limit) > 0
    }

    private static func problem(_ purpose: String, _ code: Int32) -> Problem {
        Problem(.failure, "cannot \(purpose) for a link", why: String(cString: strerror(code)))
    }
}

/// Two connected sockets that do not block and are closed by an exec.
///
/// - Returns: the two, or -1 twice; and 0 or the number of the error.
func localPair() -> (ends: (Int32, Int32), code: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let code = socketpair(AF_UNIX, kind, 0, &ends) == 0 ? 0 : errno
    return ((ends[0], ends[1]), code)
}
