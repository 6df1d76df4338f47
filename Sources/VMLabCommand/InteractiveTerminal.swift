import Dispatch
import FoundationEssentials
import Glibc
import GuestShell
import Synchronization

/// The user's terminal joined to one in a guest.
enum InteractiveTerminal {
    /// Ctrl-], as telnet(1) uses it: leaves the guest's terminal whatever runs there.
    private static let escape: UInt8 = 0x1D

    /// Lends the user's terminal, in raw mode, to `body`; the input ends when the user leaves.
    static func run<Result: Sendable>(_ body: (TerminalClient) async throws -> Result) async throws -> Result {
        let left = Gate<Void>()
        var saved = termios()
        tcgetattr(STDIN_FILENO, &saved)
        var raw = saved
        cfmakeraw(&raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        defer {
            var restored = saved
            tcsetattr(STDIN_FILENO, TCSADRAIN, &restored)
            // What was left in the middle of a line stays above the prompt that comes.
            if left.value != nil { Terminal.write(STDOUT_FILENO, "\n") }
        }
        let (keys, type) = AsyncStream.makeStream(of: [UInt8].self)
        let keyboard = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: .global())
        keyboard.setEventHandler {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            let keys = buffer[..<max(0, count)]
            let end = keys.firstIndex(of: escape) ?? keys.endIndex
            if end > 0 { type.yield(Array(keys[..<end])) }
            guard end < keys.endIndex || keys.isEmpty else { return }
            if !keys.isEmpty { left.open(()) }
            type.finish()
            // What is typed from now on is for the user's own shell.
            keyboard.cancel()
        }
        keyboard.resume()
        let (sizes, resize) = AsyncStream.makeStream(of: TerminalSize.self, bufferingPolicy: .bufferingNewest(1))
        let window = DispatchSource.makeSignalSource(signal: SIGWINCH, queue: .global())
        window.setEventHandler { resize.yield(size()) }
        window.resume()
        defer {
            keyboard.cancel()
            window.cancel()
        }
        let iterator = KeyIterator(keys)
        return try await body(
            TerminalClient(
                size: size(), type: ProcessInfo.processInfo.environment["TERM"] ?? "vt100", resizes: sizes,
                input: { await iterator.next() }, output: { Terminal.write(STDOUT_FILENO, $0) }
            )
        )
    }

    private static func size() -> TerminalSize {
        var window = winsize()
        guard ioctl(STDIN_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return TerminalSize() }
        return TerminalSize(columns: Int(window.ws_col), rows: Int(window.ws_row))
    }
}

/// Hands out keys one piece at a time to whoever asks.
private actor KeyIterator {
    private let keys: AsyncStream<[UInt8]>

    init(_ keys: AsyncStream<[UInt8]>) {
        self.keys = keys
    }

    func next() async -> [UInt8]? {
        for await piece in keys { return piece }
        return nil
    }
}
