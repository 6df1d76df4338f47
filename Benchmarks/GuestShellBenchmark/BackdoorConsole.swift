import Dispatch
import Glibc
import LabEvents
import Synchronization

/// The host's end of /dev/hvc0 as test drivers use it: one command at a time, an end mark echoed behind it.
///
/// A virtio console drops what the host does not take in time, so a thread of its own reads as fast as it can.
final class BackdoorConsole: Sendable {
    /// What came back for one line.
    struct Answer: Sendable {
        /// Everything before the end mark, or before the console fell silent.
        var bytes: [UInt8]
        /// From sending the line to the last byte.
        var duration: Duration
        /// Whether the end mark arrived.
        var isComplete: Bool
    }

    /// How long the console may be silent within an answer before its end mark counts as lost.
    private static let silence = Duration.seconds(15)

    private let descriptor: Int32
    private let path: String
    private let queue = DispatchQueue(label: "backdoor console")
    private let sequence = Mutex(0)

    /// Connects to QEMU's socket.
    init(path: String) throws(Problem) {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let status = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard status == 0 else {
            let reason = String(cString: strerror(errno))
            Glibc.close(descriptor)
            throw Problem(.failure, "the console's socket cannot be reached", location: path, why: reason)
        }
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Waits until the shell there answers: what it says while nobody listens is lost, its greeting too.
    func waitForShell(attempts: Int = 30) async throws {
        for _ in 0..<attempts {
            if try await run(":", silence: .seconds(2)).isComplete { return }
        }
        throw Problem(
            .failure, "no shell answers on /dev/hvc0", location: path, remedy: "choose an image with a test backdoor, such as debian"
        )
    }

    /// Runs a line and waits for the mark behind it.
    func run(_ line: String) async throws -> Answer {
        try await run(line, silence: Self.silence)
    }

    private func run(_ line: String, silence: Duration) async throws -> Answer {
        let number = sequence.withLock { number in
            number += 1
            return number
        }
        let mark = "|!=EOF \(number)"
        let text = "\(line); echo '\(mark)'\n"
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async {
                    continuation.resume(with: Result { try self.exchange(text, mark: mark + "\n", silence: silence) })
                }
            }
        } onCancel: {
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
    }

    private func exchange(_ text: String, mark: String, silence: Duration) throws -> Answer {
        let mark = Array(mark.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32 << 20)
        let start = ContinuousClock.now
        try send(Array(text.utf8))
        var last = start
        let limit = Int32(silence.components.seconds * 1000)
        return try withUnsafeTemporaryAllocation(byteCount: 1 << 20, alignment: 16) { buffer in
            while true {
                var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let ready = poll(&request, 1, limit)
                if ready < 0, errno == EINTR { continue }
                if ready == 0 { return Answer(bytes: bytes, duration: start.duration(to: last), isComplete: false) }
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Problem(.failure, "QEMU closed the console", location: path) }
                last = .now
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                if bytes.count >= mark.count, bytes.suffix(mark.count).elementsEqual(mark) {
                    bytes.removeLast(mark.count)
                    return Answer(bytes: bytes, duration: start.duration(to: last), isComplete: true)
                }
            }
        }
    }

    private func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw Problem(.failure, "the console takes no input", location: path, why: String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(count)
        }
    }
}
