import Glibc
import LabEvents

/// Carries what QEMU or a switch writes by itself into the run directory.
///
/// QEMU's own log is whole even when nobody is connected to the console, but it holds what the guest wrote as it is. So it lives in the folder of sockets,
/// which ends with the lab, and only what has passed the redactor reaches the run directory.
struct LogFollower: Sendable {
    /// The raw file; it may come into being later.
    let source: String
    let target: EvidenceFile
    let redactor: Redactor
    /// Called with each whole line, redacted.
    var onLine: (@Sendable (String) -> Void)?

    /// Copies until the changes end or the task is cancelled, then what is left.
    ///
    /// - Parameters:
    ///   - changes: a value whenever the file may have grown.
    ///   - offset: where to begin, in bytes.
    ///   - progress: told how many bytes of the source have been taken up to a line's end: where another may go on.
    func run(_ changes: AsyncStream<Void>, from offset: Int = 0, progress: (Int) -> Void = { _ in }) async {
        var copy = LogCopy(follower: self, offset: offset)
        for await _ in changes {
            copy.advance()
            progress(copy.lineStart)
        }
        copy.advance()
        copy.finish()
        progress(copy.lineStart)
    }
}

/// One file on its way.
private struct LogCopy: ~Copyable {
    let follower: LogFollower
    private var stream: RedactingStream
    private var line: [UInt8] = []
    private var descriptor: Int32 = -1
    private let start: Int
    private var position: Int
    private(set) var lineStart: Int

    init(follower: LogFollower, offset: Int) {
        self.follower = follower
        stream = RedactingStream(redactor: follower.redactor)
        start = offset
        position = offset
        lineStart = offset
    }

    deinit { if descriptor >= 0 { _ = close(descriptor) } }

    mutating func advance() {
        if descriptor < 0 {
            descriptor = open(follower.source, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            lseek(descriptor, off_t(start), SEEK_SET)
        }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            if let end = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) { lineStart = position + end + 1 }
            position += count
            take(stream.feed(Array(buffer[..<count])))
        }
    }

    mutating func finish() {
        take(stream.finish())
        if !line.isEmpty { tell() }
    }

    private mutating func take(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        follower.target.append(bytes)
        guard follower.onLine != nil else { return }
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { line.append(byte) }
            // A guest that never ends its line must not grow our memory.
            if byte == UInt8(ascii: "\n") || line.count >= 4096 { tell() }
        }
    }

    private mutating func tell() {
        while line.last == UInt8(ascii: "\r") { line.removeLast() }
        if !line.isEmpty { follower.onLine?(String(decoding: line, as: UTF8.self)) }
        line.removeAll(keepingCapacity: true)
    }
}
