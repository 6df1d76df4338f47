/// What a command in a guest came to. A non-zero status is a result, not an error.
public struct CommandResult: Sendable, Equatable, CustomStringConvertible {
    /// How the command ended.
    public enum Outcome: Sendable, Equatable, CustomStringConvertible {
        /// It exited with this status, 0 to 255.
        case exited(Int)
        /// This signal ended its shell (or the program that it became by `exec`).
        case signalled(Int)
        /// The limit passed; the whole process group was ended in the guest.
        case timedOut(after: Duration)

        /// `exit 3`, `signal 9` or `timed out after 3.0 seconds`.
        public var description: String {
            switch self {
            case .exited(let status): "exit \(status)"
            case .signalled(let signal): "signal \(signal)"
            case .timedOut(let limit): "timed out after \(limit)"
            }
        }
    }

    /// The command as it was given.
    public var command: String
    /// How it ended.
    public var outcome: Outcome
    /// What it wrote to standard output.
    public var stdout: CapturedOutput
    /// What it wrote to standard error.
    public var stderr: CapturedOutput
    /// Wall time on the host, from sending the command to its last byte.
    public var duration: Duration

    /// The command, how it ended, and the last line of either stream, for a message.
    public var description: String {
        let last = [stdout, stderr].compactMap { $0.trimmed.split(separator: "\n").last }.map { "'\($0.prefix(200))'" }
        return "'\(command.prefix(200))': \(outcome)" + (last.isEmpty ? "" : ", last said " + last.joined(separator: " and "))
    }

    /// Whether the command exited with status 0.
    public var succeeded: Bool { outcome == .exited(0) }
}

/// One stream of a command's output: all of it up to the limit, else its beginning and its end.
public struct CapturedOutput: Sendable, Equatable {
    /// The bytes that were kept.
    public private(set) var bytes: [UInt8] = []
    /// How many bytes in the middle were dropped because of the limit; 0 when `bytes` is everything.
    public private(set) var droppedBytes = 0

    private let limit: Int
    /// What came after the first half of the limit, until ``finish()``; trimmed from its front when it grows beyond the limit.
    private var tail: [UInt8] = []

    /// An empty capture.
    ///
    /// - Parameter limit: how many bytes are kept; 64 MiB by default. Beyond it the first half and the last half stay.
    public init(limit: Int = 64 << 20) {
        self.limit = max(2, limit)
    }

    /// The output as text; invalid UTF-8 becomes U+FFFD.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The text without the white space around it.
    public var trimmed: String {
        var text = text[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        return String(text)
    }

    private var tailLimit: Int { limit - limit / 2 }

    mutating func append(_ chunk: UnsafeRawBufferPointer) {
        let head = min(limit / 2 - bytes.count, chunk.count)
        bytes.append(contentsOf: chunk[..<head])
        tail.append(contentsOf: chunk[head...])
        // Trimmed only when twice as long as needed, so that each byte is moved once on average.
        if tail.count > 2 * tailLimit { trim() }
    }

    /// Joins the kept beginning and end.
    mutating func finish() {
        trim()
        bytes += tail
        tail = []
    }

    private mutating func trim() {
        let surplus = max(0, tail.count - tailLimit)
        tail.removeFirst(surplus)
        droppedBytes += surplus
    }
}
