import ArgumentParser
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import VMLab

/// `vmlab shell`: a login shell in a node, on this terminal.
struct ShellCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell", abstract: "Open a shell in a node of a living lab; leave it with exit, or with Ctrl-] at any time.")

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Argument(help: "The node.")
    var node: String

    @OptionGroup var state: StateOptions

    func validate() throws {
        if isatty(STDIN_FILENO) != 1 { throw ValidationError("a shell needs a terminal; use `vmlab execute` in scripts") }
    }

    func run() async throws {
        let node = node
        let left = Gate<Void>()
        let reply = try await ControlClient.with(try state.find(run)) { client in
            try await InteractiveTerminal.run { terminal in try await Self.join(terminal, client, node, left) }
        }
        // The shell was hung up because the person wanted it.
        if left.value != nil { return }
        if let exit = reply.exit, exit != 0 { throw ExitCode(Int32(exit)) }
        if let signal = reply.signal { throw ExitCode(128 + Int32(signal)) }
    }

    private static func join(_ terminal: TerminalClient, _ client: ControlClient, _ node: String, _ left: Gate<Void>) async throws
        -> ControlReply
    {
        var request = ControlRequest(.terminal)
        (request.node, request.term) = (node, terminal.type)
        (request.columns, request.rows) = (terminal.size.columns, terminal.size.rows)
        let exchange = try await client.begin(request)
        return try await withThrowingTaskGroup(of: ControlReply?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                while let keys = try await terminal.input() {
                    var input = ControlRequest(.input)
                    input.data = Data(keys).base64EncodedString()
                    try await client.follow(exchange, input)
                }
                // The stream of keys ends also when the shell has ended by itself.
                try Task.checkCancellation()
                left.open(())
                try await client.follow(exchange, ControlRequest(.input))
                return nil
            }
            group.addTask {
                for await size in terminal.resizes {
                    var resize = ControlRequest(.resize)
                    (resize.columns, resize.rows) = (size.columns, size.rows)
                    try await client.follow(exchange, resize)
                }
                return nil
            }
            group.addTask {
                for try await reply in exchange.replies {
                    if reply.type == .result { return reply }
                    if let data = reply.data.flatMap({ Data(base64Encoded: $0) }) { try await terminal.output(Array(data)) }
                }
                throw Problem(.failure, "the lab ended under the shell")
            }
            for try await reply in group { if let reply { return reply } }
            throw CancellationError()
        }
    }
}
