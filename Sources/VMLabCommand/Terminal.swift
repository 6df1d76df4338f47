import FoundationEssentials
import Glibc
import LabEvents

/// The process's own terminal: plain lines everywhere, one line that rewrites itself where standard error is a terminal.
enum Terminal {
    /// Whether standard error is a terminal that can rewrite a line.
    static let isLive = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// A line on standard output.
    static func print(_ text: String) {
        write(STDOUT_FILENO, text + "\n")
    }

    /// Bytes on standard output as they are.
    static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    static func write(_ descriptor: Int32, _ text: String) {
        write(descriptor, Array(text.utf8))
    }

    /// A line on standard error, for errors.
    static func error(_ text: String) {
        clear()
        write(STDERR_FILENO, text + "\n")
    }

    /// A line of progress on standard error that stays.
    static func note(_ text: String) {
        clear()
        write(STDERR_FILENO, text + "\n")
    }

    /// Progress that the next line replaces; nothing where standard error is no terminal.
    static func transient(_ text: String) {
        guard isLive else { return }
        write(STDERR_FILENO, "\r\u{1B}[K" + text.prefix(110))
    }

    /// Removes transient progress.
    static func clear() {
        if isLive { write(STDERR_FILENO, "\r\u{1B}[K") }
    }

    /// The size of the terminal that standard error is; 80 by 24 where it is none.
    @Sendable static func size() -> (columns: Int, rows: Int) {
        var window = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else { return (80, 24) }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// Rows in columns on standard output; the first row is the heading.
    static func table(_ rows: [[String]]) { for line in TextTable.lines(rows) { print(line) } }

    /// A value as JSON for people and programs.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Leaves the cursor at the start of a clean line.
    static func flush() { clear() }
}
