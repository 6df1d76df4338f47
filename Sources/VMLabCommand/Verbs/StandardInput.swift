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
    ///
    /// By poll(2) on a thread of its own: a dispatch source for each piece, on one descriptor, has crashed in libdispatch's event loop.
    private func next() async -> [UInt8]? {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else { return nil }
        let (wake, waker) = (ends[0], ends[1])
        defer { for end in [wake, waker] { close(end) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Self.queue.async { continuation.resume(returning: Self.isReadable(unless: wake) ? Self.read() : nil) }
            }
        } onCancel: {
            _ = write(waker, [0], 1)
        }
    }

    private static let queue = DispatchQueue(label: "vmlab.standard-input")

    /// Waits until there is something to read, or the end.
    ///
    /// - Parameter wake: a descriptor that ends the wait when it can be read.
    private static func isReadable(unless wake: Int32) -> Bool {
        var files = [STDIN_FILENO, wake].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while poll(&files, nfds_t(files.count), -1) < 0 { guard errno == EINTR || errno == EAGAIN else { return true } }
        return files[1].revents == 0
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
