import Glibc
import LabEvents

/// An end of a link as the thread that moves its frames uses it: never blocks (but in ``close()``), and opens itself again.
///
/// The thread polls ``descriptors``, calls ``update(_:)`` with the answer, then reads and writes batches. All calls are made by one thread.
final class EndSocket {
    /// How many descriptors an end always has to be polled; those that it has none of are -1, which poll(2) passes over.
    static let descriptorCount = 3

    /// How the writing of a batch ended.
    enum Writing: Equatable {
        /// The end took all.
        case all
        /// It has no room for the rest: poll for room.
        case full
        /// Nobody is there to take the rest.
        case gone
        /// The first of the rest is refused, with the number of an error; others may pass.
        case refused(Int32)
    }

    private enum Kind {
        case guest(GuestSocket)
        case opening(SegmentOpener)
        case segment(SwitchConnection)
        case closed
    }

    let end: LinkEnd
    private let name: String
    private var kind: Kind { didSet { generation += 1 } }
    /// Changes when ``descriptors(isFull:)`` do.
    private(set) var generation = 0
    /// Nil for a guest's.
    private let turn: SwitchTurn?
    private var hasBeenUp = false
    private var joinedAt = Nanoseconds.zero

    /// Opens an end: a guest's at once, a segment's in the background.
    ///
    /// - Parameter name: what the switch shows of this client, at most 80 bytes.
    /// - Throws: a problem of kind `busy` when another process has a guest's socket; of kind `failure` when it cannot be made.
    init(_ end: LinkEnd, name: String) throws(Problem) {
        (self.end, self.name) = (end, String(decoding: name.utf8.prefix(80), as: UTF8.self))
        switch end {
        case .guest(let local, let remote):
            turn = nil
            kind = .guest(try GuestSocket(local: local, remote: remote))
        case .segment(let address):
            let turn = SwitchTurn(folder: address.switchFolder)
            self.turn = turn
            kind = .opening(try SegmentOpener(address, description: self.name, turn: turn))
        }
    }

    deinit { close() }

    /// Whether frames can be written now, as far as is known.
    var isOpen: Bool {
        switch kind {
        case .guest, .segment: true
        case .opening, .closed: false
        }
    }

    /// Why a segment's end is not open, where that is known.
    var openingProblem: Problem? {
        guard case .opening(let opener) = kind, case .segment(let address) = end, let error = opener.error else { return nil }
        return address.refusal(error.code, to: "a link's end, port \(address.port)")
    }

    /// What to poll: where frames come from, where they go to, and what tells of the switch.
    ///
    /// - Parameters:
    ///   - isFull: whether frames wait for room.
    ///   - isPaused: whether what comes is left where it is.
    func descriptors(isFull: Bool, isPaused: Bool = false) -> (pollfd, pollfd, pollfd) {
        let none = pollfd(fd: -1, events: 0, revents: 0)
        let room = { (descriptor: Int32) in pollfd(fd: isFull ? descriptor : -1, events: Int16(POLLOUT), revents: 0) }
        let input = { (descriptor: Int32) in pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0) }
        switch kind {
        case .guest(let socket): return (isPaused ? none : input(socket.receiver), room(socket.sender), none)
        case .opening(let opener): return (none, none, input(opener.descriptor))
        case .segment(let connection): return (isPaused ? none : input(connection.data), room(connection.data), input(connection.control))
        case .closed: return (none, none, none)
        }
    }

    /// The sockets that frames come from and go to, while reading and writing can change nothing else; nil otherwise.
    var settled: (receiver: Int32, sender: Int32)? {
        switch kind {
        case .guest(let socket): socket.isSettled ? (socket.receiver, socket.sender) : nil
        case .segment(let connection): (connection.data, connection.data)
        case .opening, .closed: nil
        }
    }

    /// Acts on what the third descriptor told.
    ///
    /// The end of a switch's connection is seen before the last frames that it sent; they are lost with it.
    ///
    /// - Parameter control: the answer of poll(2) for it.
    /// - Returns: what has changed.
    /// - Throws: a problem when the thread that opens the end again cannot be made.
    func update(_ control: Int16) throws(Problem) -> LinkEndChange? {
        switch kind {
        case .guest:
            if hasBeenUp { return nil }
            hasBeenUp = true
            return .up
        case .opening(let opener):
            guard control != 0, let connection = opener.take() else { return nil }
            kind = .segment(connection)
            joinedAt = .now
            defer { hasBeenUp = true }
            return hasBeenUp ? .reconnected : .up
        case .segment(let connection):
            guard control != 0, connection.isAtEnd else { return nil }
            try reopen(connection)
            return .switchGone
        case .closed:
            return nil
        }
    }

    /// Reads what has come.
    ///
    /// - Returns: what has changed: a guest that was gone is back when it sends.
    func read(into batch: FrameBatch) -> LinkEndChange? {
        switch kind {
        case .guest(let socket):
            _ = batch.receive(from: socket.receiver)
            return batch.count > 0 ? socket.look() : nil
        case .segment(let connection):
            // An error here is one that the control connection tells too.
            _ = batch.receive(from: connection.data)
        case .opening, .closed:
            batch.clear()
        }
        return nil
    }

    /// Writes frames, from a place of the batch on, as far as there is room.
    ///
    /// - Parameter place: moved behind the frames that were taken.
    /// - Returns: how it ended, and what has changed.
    func write(_ batch: FrameBatch, from place: inout Int) -> (Writing, LinkEndChange?) {
        var change: LinkEndChange?
        while place < batch.count {
            switch kind {
            case .opening, .closed: return (.gone, change)
            case .segment(let connection):
                switch batch.send(to: connection.data, from: place) {
                case .success(let count): place += count
                case .failure(let error):
                    if let writing = Self.writing(error) { return (writing, change) }
                }
            case .guest(let socket):
                switch socket.send(batch, from: place) {
                case .success(let count):
                    place += count
                    change = socket.hasReached() ?? change
                case .failure(let error):
                    guard let writing = Self.writing(error) else { continue }
                    return (writing, writing == .gone ? socket.hasMissed() : change)
                }
            }
        }
        return (.all, change)
    }

    /// Closes the end and removes its socket. Waits for a switch up to a second, that it sees the leaving.
    func close() {
        switch kind {
        case .guest(let socket): socket.close()
        case .opening(let opener): opener.stop()
        case .segment(let connection): if let turn { connection.leave(turn) }
        case .closed: break
        }
        kind = .closed
    }

    private func reopen(_ connection: SwitchConnection) throws(Problem) {
        kind = .closed
        connection.close()
        guard case .segment(let address) = end, let turn else { return }
        // A switch that takes the connection and closes it at once is not asked as fast as it answers.
        let isShort = Nanoseconds.now - joinedAt < .milliseconds(100)
        kind = .opening(try SegmentOpener(address, description: name, turn: turn, isPatient: isShort))
    }

    /// - Returns: nil where the call is to be made again.
    private static func writing(_ error: SocketError) -> Writing? {
        switch error.code {
        case EINTR: nil
        case EAGAIN, ENOBUFS, ENOMEM: .full
        // A switch that has just died refuses too.
        case ECONNREFUSED, ENOENT, ENOTCONN, ECONNRESET, EPIPE, EDESTADDRREQ: .gone
        default: .refused(error.code)
        }
    }
}
