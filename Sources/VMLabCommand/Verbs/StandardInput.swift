import Dispatch
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import Synchronization
import VMLab

/// This process's standard input on its way into a guest.
final class StandardInput: Sendable {
    /// The protocol's window: so many pieces may be on their way.
    private let window = AsyncSemaphore(8)

    /// Sends it piece by piece until it ends.
    func send(_ client: ControlClient, _ exchange: ControlClient.Exchange) async throws {
        while let piece = await next() {
            guard await window.acquire() else { return }
            var request = ControlRequest(.input)
            request.data = Data(piece).base64EncodedString()
            try await client.follow(exchange, request)
        }
        if !Task.isCancelled { try await client.follow(exchange, ControlRequest(.input)) }
    }

    /// What is there, at most 48 KiB; nil at the end, or when the task is cancelled: reading itself could not be given up.
    private func next() async -> [UInt8]? {
        var status = stat()
        // A file is always readable, and nothing announces it.
        if fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG { return Self.read() }
        // Dispatch's objects may be used from any thread; their Swift protocols do not say so.
        nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: .global())
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let piece = InputPiece()
                source.setEventHandler {
                    piece.bytes.withLock { $0 = Self.read() }
                    source.cancel()
                }
                source.setCancelHandler { continuation.resume(returning: piece.bytes.withLock { $0 }) }
                source.resume()
            }
        } onCancel: {
            source.cancel()
        }
    }

    private static func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 48 << 10)
        while true {
            let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            return count > 0 ? Array(buffer[..<count]) : nil
        }
    }

    /// The guest took a piece.
    func taken() { window.release() }
}

/// One piece of input on its way out of a callback.
private final class InputPiece: Sendable {
    let bytes = Mutex<[UInt8]?>(nil)
}

/// Two growing outputs.
final class CommandOutput: Sendable {
    private let bytes = Mutex<(stdout: [UInt8], stderr: [UInt8])>(([], []))

    func append(_ more: [UInt8], isError: Bool) {
        bytes.withLock { if isError { $0.stderr += more } else { $0.stdout += more } }
    }

    var texts: (stdout: String, stderr: String) {
        bytes.withLock { (String(decoding: $0.stdout, as: UTF8.self), String(decoding: $0.stderr, as: UTF8.self)) }
    }
}
