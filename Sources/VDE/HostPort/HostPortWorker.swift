import CVDEPlug
import Glibc
import LabEvents
import Synchronization

/// The thread behind a host port. All of libvdeplug's calls are made on it, because the opening blocks for as long as the switch does not
/// answer: one that has no such port, or whose port is another user's, never does.
final class HostPortWorker: Sendable {
    typealias Frames = AsyncThrowingStream<EthernetFrame, any Error>
    typealias Sending = Result<Void, Problem>

    private struct Letter {
        var identifier: UInt64
        var bytes: [UInt8]
        var continuation: CheckedContinuation<Sending, Never>
    }

    private struct State {
        var outbox: [Letter] = []
        var nextIdentifier: UInt64 = 0
        var lostFrames = 0
        /// Whether the switch had no room when a frame was last sent.
        var isFull = false
        /// Why nothing can be sent any more.
        var ended: Problem?
        var isOpen = false
        var isStopping = false
        var isFinished = false
        var joiners: [CheckedContinuation<Void, Never>] = []
    }

    let address: PortAddress
    private let description: String
    private let frames: Frames.Continuation
    private let opened: AsyncStream<Sending>.Continuation
    /// A pair of sockets: what is written to the second wakes the thread.
    private let wake: (reader: Int32, writer: Int32)
    private let turn: SwitchTurn
    private let state = Mutex(State())

    init(
        folder: String, port: Int, description: String, frames: Frames.Continuation, opened: AsyncStream<Sending>.Continuation
    ) throws(Problem) {
        (address, self.description) = (PortAddress(switchFolder: folder, port: port), description)
        (self.frames, self.opened) = (frames, opened)
        turn = SwitchTurn(folder: folder)
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let code = socketpair(AF_UNIX, kind, 0, &ends) == 0 ? 0 : errno
        wake = (ends[0], ends[1])
        guard code == 0 else { throw failure("make a pair of sockets", why: String(cString: strerror(code))) }
    }

    // The thread keeps a reference, so it has ended.
    deinit { for end in [wake.reader, wake.writer] where end >= 0 { close(end) } }

    var lostFrames: Int { state.withLock { $0.lostFrames } }

    /// Whether a frame waits because the switch has no room for it.
    var isFull: Bool { state.withLock { $0.isFull } }

    func start() throws(Problem) {
        let code = startThread(self) { $0.run() }
        guard code == 0 else { throw failure("start a thread", why: String(cString: strerror(code))) }
    }

    /// Asks the thread to close the port and end. One that still waits for the switch does so when the switch answers or ends.
    func stop() {
        let isOpening = state.withLock { state in
            state.isStopping = true
            return !state.isOpen
        }
        if isOpening { turn.give() }
        ring()
    }

    /// Waits until the thread has closed the port, also when the calling task is cancelled.
    func finish() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.joiners.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
    }

    /// Hands bytes to the thread and waits until the switch's socket has taken them.
    func send(_ bytes: [UInt8]) async -> Sending {
        let identifier = state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Sending, Never>) in
                let letter = Letter(identifier: identifier, bytes: bytes, continuation: continuation)
                if let refusal = post(letter) { continuation.resume(returning: .failure(refusal)) } else { ring() }
            }
        } onCancel: {
            let letter = state.withLock { state -> Letter? in
                guard let index = state.outbox.firstIndex(where: { $0.identifier == identifier }) else { return nil }
                return state.outbox.remove(at: index)
            }
            letter?.continuation.resume(returning: .failure(cancelled))
        }
    }

    private func post(_ letter: Letter) -> Problem? {
        state.withLock { state in
            if let ended = state.ended { return ended }
            if Task.isCancelled { return cancelled }
            state.outbox.append(letter)
            return nil
        }
    }

    private func ring() { write(wake.writer, [1], 1) }
}

// MARK: - The thread

extension HostPortWorker {
    private func run() {
        let answer = SwitchConnection.open(address, description: description, turn: turn)
        state.withLock { $0.isOpen = true }
        switch answer {
        case .success(let connection):
            opened.yield(.success(()))
            serve(connection)
            connection.leave(turn)
        case .failure(let error):
            let refusal = address.refusal(error.code, to: "host port \(address.port)")
            opened.yield(.failure(refusal))
            end(with: refusal)
        }
        opened.finish()
        let joiners = state.withLock { state in
            state.isFinished = true
            defer { state.joiners = [] }
            return state.joiners
        }
        for joiner in joiners { joiner.resume() }
    }

    private func serve(_ connection: SwitchConnection) {
        var polls = [connection.data, connection.control, wake.reader].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let (isStopping, isSending) = state.withLock { ($0.isStopping, !$0.outbox.isEmpty) }
            if isStopping { return end(with: nil) }
            polls[0].events = Int16(isSending ? POLLIN | POLLOUT : POLLIN)
            guard poll(&polls, nfds_t(polls.count), -1) >= 0 || errno == EINTR else { return end(with: died(errno)) }
            if polls[2].revents != 0 { read(wake.reader, &buffer, buffer.count) }
            // The end of the control connection is read before the frames that came before it, so that none of them is left.
            let isGone = polls[1].revents != 0 && connection.isAtEnd
            receive(connection, &buffer)
            if isGone { return end(with: died(0)) }
            let code = flush(connection)
            if code != 0 { return end(with: died(code)) }
        }
    }

    private func receive(_ connection: SwitchConnection, _ buffer: inout [UInt8]) {
        while true {
            let count = vde_recv(connection.handle, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            guard let frame = EthernetFrame(bytes: buffer[..<count]) else { continue }
            if case .dropped = frames.yield(frame) { state.withLock { $0.lostFrames += 1 } }
        }
    }

    /// Sends what waits, as far as there is room.
    ///
    /// - Returns: 0, or the number of the error with which nothing can be sent any more.
    private func flush(_ connection: SwitchConnection) -> Int32 {
        while let letter = state.withLock({ $0.outbox.isEmpty ? nil : $0.outbox.removeFirst() }) {
            if vde_send(connection.handle, letter.bytes, letter.bytes.count, 0) >= 0 {
                state.withLock { $0.isFull = false }
                letter.continuation.resume(returning: .success(()))
                continue
            }
            let code = errno
            state.withLock { state in
                state.outbox.insert(letter, at: 0)
                state.isFull = true
            }
            if [EAGAIN, EINTR, ENOBUFS].contains(code) { return 0 }
            return code
        }
        return 0
    }

    /// Ends the frames and whoever waits.
    private func end(with problem: Problem?) {
        let waiting = state.withLock { state in
            state.ended = problem ?? failure("use it", why: "its scope was left")
            defer { state.outbox = [] }
            return state.outbox
        }
        let answer = problem ?? failure("send", why: "the scope was left")
        for letter in waiting { letter.continuation.resume(returning: .failure(answer)) }
        frames.finish(throwing: problem)
    }
}

// MARK: - What goes wrong

extension HostPortWorker {
    var cancelled: Problem { failure("send", why: "the task was cancelled") }

    func failure(_ purpose: String, why: String, remedy: String? = nil) -> Problem {
        Problem(.failure, "cannot \(purpose) at host port \(address.port)", location: address.switchFolder, why: why, remedy: remedy)
    }

    private func died(_ code: Int32) -> Problem {
        .environment(
            .switchDied, "host port \(address.port) is cut off: its switch is gone", location: address.switchFolder,
            why: code == 0 ? "the switch closed the connection" : String(cString: strerror(code)),
            remedy: "start the lab again; the switch's last words are in its log")
    }
}
