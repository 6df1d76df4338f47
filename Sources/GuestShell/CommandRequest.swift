/// Where a command's standard input comes from.
public enum GuestInput: Sendable {
    /// /dev/null.
    case none
    /// These bytes, then end-of-file.
    case bytes([UInt8])
    /// Pieces as the closure gives them, until it returns nil, which is end-of-file.
    case pieces(@Sendable () async throws -> [UInt8]?)

    /// This text, then end-of-file.
    public static func text(_ text: String) -> GuestInput { .bytes(Array(text.utf8)) }
}

/// A piece of output as it came.
public struct OutputPiece: Sendable, Equatable {
    /// Which of the two streams.
    public enum Stream: String, Sendable, CaseIterable {
        /// Standard output.
        case stdout
        /// Standard error.
        case stderr
    }

    /// Where the bytes were written to.
    public var stream: Stream
    /// At least one byte; cut anywhere. ``LineSplitter`` makes lines of it.
    public var bytes: [UInt8]

    /// A piece from its parts.
    public init(stream: Stream, bytes: [UInt8]) { (self.stream, self.bytes) = (stream, bytes) }
}

/// One command for a guest.
public struct CommandRequest: Sendable {
    /// The script, for bash where the guest has it and for its POSIX shell elsewhere.
    public var command: String
    /// How long it may run before its process group is ended; nil for no limit.
    public var timeout: Duration?
    /// Variables added to the root login's environment.
    public var environment: [String: String]
    /// Where it starts; nil for `/`.
    public var directory: String?
    /// Its standard input.
    public var stdin: GuestInput
    /// How many bytes of each stream the result keeps; the rest is dropped from the middle and counted. 64 MiB by default.
    public var captureLimit: Int
    /// Called with each piece of output as it comes; the guest waits while it runs. Nil: only the result carries output.
    public var onOutput: (@Sendable (OutputPiece) async throws -> Void)?

    /// A request; every parameter but the command has a default.
    public init(
        _ command: String, timeout: Duration? = nil, environment: [String: String] = [:], directory: String? = nil,
        stdin: GuestInput = .none,
        captureLimit: Int = 64 << 20, onOutput: (@Sendable (OutputPiece) async throws -> Void)? = nil
    ) {
        self.command = command
        self.timeout = timeout
        self.environment = environment
        self.directory = directory
        self.stdin = stdin
        self.captureLimit = captureLimit
        self.onOutput = onOutput
    }
}

/// Cuts pieces of output into lines.
public struct LineSplitter: Sendable {
    private var rest: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: a line longer than this is cut there; 64 KiB by default.
    public init(limit: Int = 64 << 10) {
        self.limit = limit
    }

    /// The lines that `bytes` completes, without their line ends (`\n` or `\r\n`).
    public mutating func lines(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
                lines.append(String(decoding: rest, as: UTF8.self))
                rest.removeAll(keepingCapacity: true)
            } else {
                rest.append(byte)
                if rest.count >= limit {
                    lines.append(String(decoding: rest, as: UTF8.self))
                    rest.removeAll(keepingCapacity: true)
                }
            }
        }
        return lines
    }

    /// The last line when it had no line end.
    public mutating func finish() -> String? {
        guard !rest.isEmpty else { return nil }
        defer { rest = [] }
        return String(decoding: rest, as: UTF8.self)
    }
}
