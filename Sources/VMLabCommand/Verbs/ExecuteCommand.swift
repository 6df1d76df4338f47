import ArgumentParser
import Dispatch
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import VMLab

/// `vmlab execute`: a command in a node of a lab that lives.
struct ExecuteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "execute", abstract: "Run a command in a node of a living lab.",
        discussion: """
            One word after `--` is a script for the node's shell; several are a program and its arguments, passed as they are. Output comes as it is \
            written, stdout and stderr apart. The exit code is the command's; 128+n when signal n ended it; 124 when --timeout did. When this process \
            ends, so does the command.
            """
    )

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Argument(help: "The node.")
    var node: String

    @Argument(parsing: .postTerminator, help: "The command.")
    var command: [String]

    @Option(help: "Seconds until the command is ended in the guest.")
    var timeout: Double?

    @Option(
        name: .shortAndLong, help: "A variable for the command, NAME=VALUE, or NAME for this process's own; may be given several times.")
    var env: [String] = []

    @Option(
        help: "The name of a variable of this process to pass on, whose value must never be written anywhere; may be given several times.")
    var secret: [String] = []

    @Option(help: "Where the command starts.")
    var directory: String?

    @Flag(name: .shortAndLong, help: "Pass this process's standard input on.")
    var interactive = false

    @Flag(help: "Print one JSON object with output, exit and seconds instead.")
    var json = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        if command.isEmpty { throw ValidationError("no command; write it after --") }
        if let timeout, timeout <= 0 { throw ValidationError("--timeout \(timeout): choose more than 0 seconds") }
    }

    func run() async throws {
        let request = try self.request()
        let output = OutputCollector(isCollecting: json)
        let reply = try await ControlClient.with(try state.find(run)) { [interactive] client in
            let exchange = try await client.begin(request)
            let input = interactive ? StandardInput() : nil
            return try await withThrowingTaskGroup(of: ControlReply?.self) { group in
                defer { group.cancelAll() }
                if let input {
                    group.addTask {
                        try await input.send(client, exchange)
                        return nil
                    }
                }
                group.addTask {
                    for try await reply in exchange.replies {
                        switch reply.type {
                        case .output: output.take(reply)
                        case .taken: input?.taken()
                        case .result: return reply
                        case .hello, .event, .error: break
                        }
                    }
                    throw Problem(.failure, "the lab ended while the command ran")
                }
                for try await reply in group { if let reply { return reply } }
                throw CancellationError()
            }
        }
        let code: Int32 = reply.exit.map { Int32($0) } ?? reply.signal.map { Int32(128 + $0) } ?? 124
        if json { Terminal.print(try output.report(reply)) }
        if code == 124, reply.timedOut == true { Terminal.error("error: the command was ended after \(timeout ?? 0) s") }
        if code != 0 { throw ExitCode(code) }
    }

    private func request() throws -> ControlRequest {
        var request = ControlRequest(.execute)
        request.node = node
        request.command = GuestWords.script(command)
        request.timeout = timeout
        request.directory = directory
        request.stdin = interactive
        let own = ProcessInfo.processInfo.environment
        var environment: [String: String] = [:]
        for entry in env {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let value = parts.count == 2 ? parts[1] : own[parts[0]] else {
                throw Problem(.invalidInput, "--env \(entry): there is no such variable here", remedy: "write NAME=VALUE")
            }
            environment[parts[0]] = value
        }
        request.environment = environment
        for name in secret {
            guard let value = own[name] else { throw Problem(.invalidInput, "--secret \(name): there is no such variable here") }
            request.secrets = (request.secrets ?? [:]).merging([name: value]) { $1 }
        }
        return request
    }
}

/// What a command wrote: passed on at once, or kept for one JSON object.
private final class OutputCollector: Sendable {
    private let isCollecting: Bool
    private let kept = CommandOutput()

    init(isCollecting: Bool) { self.isCollecting = isCollecting }

    func take(_ reply: ControlReply) {
        guard let data = reply.data.flatMap({ Data(base64Encoded: $0) }) else { return }
        if isCollecting {
            kept.append(Array(data), isError: reply.stream == "stderr")
        } else {
            Terminal.write(reply.stream == "stderr" ? STDERR_FILENO : STDOUT_FILENO, Array(data))
        }
    }

    func report(_ reply: ControlReply) throws -> String {
        struct Report: Encodable {
            var stdout: String
            var stderr: String
            var exit: Int?
            var signal: Int?
            var timedOut: Bool?
            var seconds: Double?
        }
        let (stdout, stderr) = kept.texts
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(
            decoding: try encoder.encode(
                Report(
                    stdout: stdout, stderr: stderr, exit: reply.exit, signal: reply.signal, timedOut: reply.timedOut, seconds: reply.seconds
                )),
            as: UTF8.self)
    }
}
