import Synchronization

/// Why a management command has no answer.
enum ManagementError: Error, Equatable, Sendable {
    /// The connection ended; whether the switch may have acted on the command.
    case closed(wasSent: Bool, reason: String)
    /// The waiting task was cancelled; the switch may have acted on the command.
    case cancelled
    /// The switch awaits the next command without having answered.
    case unanswered
}

/// The bookkeeping of one management conversation, without the socket: commands wait in a queue and go out one at a time, because
/// vde_switch takes whatever one read(2) returns for one command.
final class ManagementSession: Sendable {
    typealias Answer = Result<ManagementReply, ManagementError>
    typealias Send = @Sendable ([UInt8]) -> Void

    private struct Pending {
        var identifier: UInt64
        var command: String
        /// Nil when whoever waited has gone; the answer still comes.
        var continuation: CheckedContinuation<Answer, Never>?
    }

    private struct State {
        var parser = ReplyParser()
        var queue: [Pending] = []
        var reply: ManagementReply?
        /// Whether the first of the queue has been sent.
        var isBusy = false
        /// Whether the switch awaits a command.
        var isPrompted = false
        var send: Send?
        var closed: String?
        var nextIdentifier: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Whether the conversation has ended.
    var isClosed: Bool { state.withLock { $0.closed != nil } }

    /// Begins the conversation: commands go where `send` puts them, once the switch has shown its prompt.
    func open(send: @escaping Send) {
        state.withLock { $0.send = send }
        sendNext()
    }

    /// Takes bytes from the switch. Called by one thread at a time, in order.
    func receive(_ bytes: some Sequence<UInt8>) {
        for item in state.withLock({ $0.parser.append(bytes) }) {
            switch item {
            case .reply(let reply): state.withLock { $0.reply = $0.isBusy ? reply : nil }
            case .prompt: finishCall()
            case .overflow: close(reason: "the answer has more than \(ReplyParser.limit) bytes")
            }
        }
    }

    /// Ends the conversation: every waiting command, and every later one, ends at once with the reason.
    func close(reason: String) {
        let (waiting, isBusy) = state.withLock { state in
            if state.closed == nil { state.closed = reason }
            defer { (state.queue, state.isBusy) = ([], false) }
            return (state.queue, state.isBusy)
        }
        for (index, pending) in waiting.enumerated() {
            pending.continuation?.resume(returning: .failure(.closed(wasSent: isBusy && index == 0, reason: reason)))
        }
    }

    /// Sends a command, after those before it, and waits for its answer.
    ///
    /// - Parameter command: one line without its end, at most 126 bytes: the switch's buffer has 128.
    func call(_ command: String) async -> Answer {
        let identifier = state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
                let pending = Pending(identifier: identifier, command: command, continuation: continuation)
                if let refusal = register(pending) { continuation.resume(returning: .failure(refusal)) } else { sendNext() }
            }
        } onCancel: {
            abandon(identifier)
        }
    }

    private func register(_ pending: Pending) -> ManagementError? {
        state.withLock { state in
            if let reason = state.closed { return .closed(wasSent: false, reason: reason) }
            if Task.isCancelled { return .cancelled }
            state.queue.append(pending)
            return nil
        }
    }

    /// Takes a command back that was not sent; the answer of one that was is nobody's.
    private func abandon(_ identifier: UInt64) {
        let continuation = state.withLock { state -> CheckedContinuation<Answer, Never>? in
            guard let index = state.queue.firstIndex(where: { $0.identifier == identifier }) else { return nil }
            defer {
                if index == 0, state.isBusy { state.queue[0].continuation = nil } else { state.queue.remove(at: index) }
            }
            return state.queue[index].continuation
        }
        continuation?.resume(returning: .failure(.cancelled))
    }

    private func finishCall() {
        let (done, reply) = state.withLock { state in
            state.isPrompted = true
            defer { (state.reply, state.isBusy) = (nil, false) }
            return (state.isBusy ? state.queue.removeFirst() : nil, state.reply)
        }
        done?.continuation?.resume(returning: reply.map { .success($0) } ?? .failure(.unanswered))
        sendNext()
    }

    private func sendNext() {
        let next = state.withLock { state -> (Send, String)? in
            guard let send = state.send, let first = state.queue.first, state.isPrompted, !state.isBusy else { return nil }
            (state.isPrompted, state.isBusy) = (false, true)
            return (send, first.command)
        }
        if let (send, command) = next { send(Array(command.utf8) + [UInt8(ascii: "\n")]) }
    }
}
