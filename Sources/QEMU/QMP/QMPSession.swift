import FoundationEssentials
import LabEvents
import Synchronization

/// The bookkeeping of one QMP conversation, without the socket: which command waits for which answer, what happened, and how it ended.
final class QMPSession: Sendable {
    typealias Answer = Result<JSONValue, MonitorError>

    private struct Pending {
        var command: String
        var continuation: CheckedContinuation<Answer, Never>
    }

    private struct State {
        var parser = QMPParser()
        var pending: [Int64: Pending] = [:]
        var nextIdentifier: Int64 = 0
        var version: String?
        var closed: String?
    }

    private let state = Mutex(State())
    private let transcript: (@Sendable (QMPTraffic) -> Void)?
    let events = EventHistory<QMPEvent>()

    init(transcript: (@Sendable (QMPTraffic) -> Void)?) {
        self.transcript = transcript
    }

    /// QEMU's version as its greeting gave it.
    var version: String? { state.withLock { $0.version } }

    /// Takes bytes from QEMU. Called by one thread at a time, in order.
    func receive(_ bytes: some Collection<UInt8>) {
        for (line, message) in state.withLock({ $0.parser.append(bytes) }) {
            record(.received, String(decoding: line, as: UTF8.self))
            switch message {
            case .greeting(let version): state.withLock { $0.version = version }
            case .reply(let identifier, let value): answer(identifier) { _ in .success(value) }
            case .refusal(let identifier, let errorClass, let description):
                answer(identifier) { .failure(.refused(command: $0, errorClass: errorClass, description: description)) }
            case .event(let event): events.append(event)
            // It answers nobody that could be told; the transcript keeps it.
            case .malformed: break
            }
        }
    }

    /// Ends the conversation: every waiting command, and every later one, ends at once with the reason.
    func close(reason: String) {
        let pending = state.withLock { state in
            if state.closed == nil { state.closed = reason }
            defer { state.pending = [:] }
            return state.pending.values
        }
        for waiting in pending {
            waiting.continuation.resume(returning: .failure(.disconnected(command: waiting.command, reason: reason)))
        }
        events.finish()
    }

    /// Sends a command and waits for its answer.
    func execute<Command: QMPCommand>(
        _ command: Command, send: @Sendable ([UInt8]) -> Void
    ) async throws(MonitorError) -> Command.Return {
        let name = command.name
        let identifier = state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        let line = try Self.encode(command, identifier: identifier)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
                if let refusal = register(identifier, Pending(command: name, continuation: continuation)) {
                    continuation.resume(returning: .failure(refusal))
                } else {
                    record(.sent, String(decoding: line, as: UTF8.self))
                    send(line + [UInt8(ascii: "\n")])
                }
            }
        } onCancel: {
            self.answer(identifier) { .failure(.cancelled(command: $0)) }
        }
        do {
            return try Self.decode(Command.Return.self, from: try answer.get())
        } catch let error as MonitorError {
            throw error
        } catch {
            throw .unexpectedReply(command: name, reason: "\(error)")
        }
    }

    private func register(_ identifier: Int64, _ pending: Pending) -> MonitorError? {
        state.withLock { state in
            if let reason = state.closed { return .disconnected(command: pending.command, reason: reason) }
            if Task.isCancelled { return .cancelled(command: pending.command) }
            state.pending[identifier] = pending
            return nil
        }
    }

    private func answer(_ identifier: Int64?, _ result: (String) -> Answer) {
        guard let identifier, let pending = state.withLock({ $0.pending.removeValue(forKey: identifier) }) else { return }
        pending.continuation.resume(returning: result(pending.command))
    }

    private func record(_ direction: QMPTraffic.Direction, _ line: String) {
        transcript?(QMPTraffic(direction: direction, line: line, time: Date()))
    }

    private static func encode<Command: QMPCommand>(_ command: Command, identifier: Int64) throws(MonitorError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(QMPEnvelope(execute: command.name, arguments: command, id: identifier)))
        } catch {
            throw .unexpectedReply(command: command.name, reason: "its arguments cannot be encoded: \(error)")
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, from value: JSONValue) throws -> Value {
        if let value = value as? Value { return value }
        return try JSONDecoder().decode(type, from: JSONEncoder().encode(value))
    }
}

/// A command as it goes over the wire.
private struct QMPEnvelope<Arguments: Encodable>: Encodable {
    var execute: String
    var arguments: Arguments
    var id: Int64
}
