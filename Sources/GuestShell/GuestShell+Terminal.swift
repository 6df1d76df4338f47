import NIOCore
import Synchronization

/// The size of a terminal window, in characters.
public struct TerminalSize: Sendable, Equatable {
    /// Width.
    public var columns: Int
    /// Height.
    public var rows: Int

    /// A size; 80 by 24 by default.
    public init(columns: Int = 80, rows: Int = 24) {
        self.columns = columns
        self.rows = rows
    }
}

/// A person's (or a test's) side of an interactive terminal in a guest.
public struct TerminalClient: Sendable {
    /// The window's size at the start.
    public var size: TerminalSize
    /// What `TERM` says; the type of the terminal that shows the output.
    public var type: String
    /// Later sizes of the window.
    public var resizes: AsyncStream<TerminalSize>
    /// The next keys; nil when the person leaves, which hangs the terminal up.
    public var input: @Sendable () async throws -> [UInt8]?
    /// Shows output.
    public var output: @Sendable ([UInt8]) async throws -> Void

    /// A client.
    public init(
        size: TerminalSize, type: String = "xterm-256color", resizes: AsyncStream<TerminalSize> = AsyncStream { $0.finish() },
        input: @escaping @Sendable () async throws -> [UInt8]?, output: @escaping @Sendable ([UInt8]) async throws -> Void
    ) {
        self.size = size
        self.type = type
        self.resizes = resizes
        self.input = input
        self.output = output
    }
}

extension GuestShell {
    private struct TerminalShell: Sendable {
        var device: String
        var pid: Int
    }

    /// Opens a login shell, or a command, on a terminal of its own: job control, Ctrl-C and full-screen programs work.
    ///
    /// The terminal is a pseudo terminal made by script(1) where the guest has it (any number at once), else /dev/hvc1 (one at a time).
    ///
    /// - Parameters:
    ///   - command: what runs; a login shell when nil.
    ///   - client: the other side.
    /// - Returns: how the shell ended; signal 1 when the client left.
    public func terminal(_ command: String? = nil, client: TerminalClient) async throws -> CommandResult.Outcome {
        let probe = try await execute("command -v script >/dev/null && script --version 2>/dev/null | grep -q util-linux")
        let start = """
            stty sane rows \(client.size.rows) cols \(client.size.columns)
            export TERM=\(ShellQuoting.quote(client.type))
            printf 'vmlab-tty %s %s\\n' "$(tty)" $$
            \(command ?? #"cd "${HOME:-/}"; if command -v bash >/dev/null; then exec bash -l; else exec sh -l; fi"#)
            """
        let prologue = TerminalPrologue(client: client)
        let resize: @Sendable (TerminalSize) async throws -> Void = { size in
            let shell = try await prologue.shell.wait()
            _ = try await self.execute("stty -F \(shell.device) rows \(size.rows) cols \(size.columns)")
        }
        return try await withThrowingTaskGroup(of: CommandResult.Outcome?.self) { group in
            defer { group.cancelAll() }
            let resizes = client.resizes
            group.addTask {
                for await size in resizes { try await resize(size) }
                return nil
            }
            let usesScript = probe.succeeded
            group.addTask {
                usesScript
                    ? try await self.scriptTerminal(start, client, prologue)
                    : try await self.consoleTerminal(start, client, prologue)
            }
            while let outcome = try await group.next() {
                if let outcome { return outcome }
            }
            throw CancellationError()
        }
    }

    private func scriptTerminal(_ start: String, _ client: TerminalClient, _ prologue: TerminalPrologue) async throws
        -> CommandResult.Outcome
    {
        var request = CommandRequest("exec script -qefc \(ShellQuoting.quote(start)) /dev/null")
        request.captureLimit = 2
        request.onOutput = { try await prologue.take($0.bytes) }
        request.stdin = .pieces {
            if let keys = try await client.input() { return keys }
            try await self.hangUp(prologue)
            return nil
        }
        return try await execute(request).outcome
    }

    private func consoleTerminal(_ start: String, _ client: TerminalClient, _ prologue: TerminalPrologue) async throws
        -> CommandResult.Outcome
    {
        guard let path = endpoints.terminal else {
            throw GuestShellError.invalid(
                node: node, reason: "a terminal needs script(1) in the guest, or a second console (hvc1), and there is neither")
        }
        return try await terminalTurn.withPermit {
            let console = try await connect(path, generation)
            defer { console.end(nil) }
            return try await withThrowingTaskGroup(of: CommandResult.Outcome?.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask {
                    while let bytes = try await console.next() { try await prologue.take(Array(bytes.readableBytesView)) }
                    return nil
                }
                tasks.addTask {
                    while let keys = try await client.input() { try await console.send(ByteBuffer(bytes: keys)) }
                    try await self.hangUp(prologue)
                    return nil
                }
                tasks.addTask {
                    try await self.execute("setsid -c sh -c \(ShellQuoting.quote(start)) </dev/hvc1 >/dev/hvc1 2>&1").outcome
                }
                while let outcome = try await tasks.next() {
                    if let outcome { return outcome }
                }
                throw CancellationError()
            }
        }
    }

    /// Ends the terminal's session as a modem would: its leader gets SIGHUP, and the kernel hangs up whatever is in the foreground.
    private func hangUp(_ prologue: TerminalPrologue) async throws {
        let shell = try await prologue.shell.wait()
        _ = try await execute("kill -HUP \(shell.pid)")
    }

    /// Holds back the first line, which says where the terminal is, and passes everything behind it on.
    private final class TerminalPrologue: Sendable {
        let shell = Gate<TerminalShell>()
        private let client: TerminalClient
        private let held = Mutex<[UInt8]?>([])

        init(client: TerminalClient) {
            self.client = client
        }

        func take(_ bytes: [UInt8]) async throws {
            let rest: [UInt8] = held.withLock { held in
                guard var line = held else { return bytes }
                line += bytes
                guard let start = line.firstRange(of: Array("vmlab-tty ".utf8))?.lowerBound,
                    let end = line[start...].firstIndex(of: UInt8(ascii: "\n"))
                else {
                    held = line
                    return []
                }
                let words = String(decoding: line[start..<end], as: UTF8.self).split { $0 == " " || $0 == "\r" }
                if words.count == 3, let pid = Int(words[2]) { shell.open(TerminalShell(device: String(words[1]), pid: pid)) }
                held = nil
                return Array(line[(end + 1)...])
            }
            if !rest.isEmpty { try await client.output(rest) }
        }
    }
}
