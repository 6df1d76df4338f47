import ArgumentParser
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import VMLab

/// What every call on a node needs.
struct CallOptions: ParsableArguments {
    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Argument(help: "The node.")
    var node: String

    @Option(help: "Seconds until it has failed; default: what a scenario has, 60.")
    var timeout: Double?

    @Flag(help: "Print one JSON object on standard output, also when it fails.")
    var json = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        if let timeout, !(timeout > 0 && timeout <= 1e6) {
            throw ValidationError("--timeout \(timeout): choose more than 0 seconds, and at most 1000000")
        }
    }

    /// Makes a call and shows what it came to.
    ///
    /// - Throws: the ``Problem`` that the same call throws in a scenario.
    func make(_ call: String, command: [String] = [], _ values: [String: String?] = [:]) async throws {
        var request = ControlRequest(.call)
        (request.call, request.node, request.timeout) = (call, node, timeout)
        request.command = command.isEmpty ? nil : GuestWords.script(command)
        request.arguments = values.compactMapValues { $0 }
        let chosen = request
        let output = CommandOutput()
        do {
            let reply = try await ControlClient.with(try state.find(run)) { [json] client in
                try await client.call(chosen) { reply in
                    guard reply.type == .output, let data = reply.data.flatMap({ Data(base64Encoded: $0) }) else { return }
                    let isError = reply.stream == "stderr"
                    if json {
                        output.append(Array(data), isError: isError)
                    } else {
                        Terminal.write(isError ? STDERR_FILENO : STDOUT_FILENO, Array(data))
                    }
                }
            }
            guard let report = reply.report else { throw Problem(.failure, "the lab's owner gave no report") }
            if json {
                Terminal.print(try CallOutcome(report, output).json())
            } else if report.tries != nil {
                Terminal.note(Self.text(report, isOfLines: call.hasSuffix("Console") || call.hasSuffix("Journal")))
            }
        } catch let error where json && !(error is CancellationError) {
            let problem = (error as? Problem) ?? (error as? any ProblemConvertible)?.problem ?? Problem(.failure, "\(error)")
            Terminal.print(try CallOutcome(problem, output).json())
            throw problem
        }
    }

    private static func text(_ report: ControlCall.Report, isOfLines: Bool) -> String {
        let (one, many) = isOfLines ? ("line", "lines") : ("try", "tries")
        let tries = report.tries.map { $0 == 1 ? ", 1 \(one)" : ", \($0) \(many)" } ?? ""
        return "\(report.what) (\(report.seconds.rounded(to: 1)) s\(tries))"
    }
}

/// The words after `--` as a command for a guest.
enum GuestWords {
    /// One word is a script; several are a program and its arguments, passed as they are.
    static func script(_ words: [String]) -> String {
        words.count == 1 ? words[0] : words.map(ShellQuoting.quote).joined(separator: " ")
    }
}

/// What `--json` prints of a call.
private struct CallOutcome: Encodable {
    var passed: Bool
    var what: String
    var seconds: Double?
    var tries: Int?
    var observation: String?
    var exit: Int?
    var stdout: String?
    var stderr: String?
    var problem: Problem?

    init(_ report: ControlCall.Report, _ output: CommandOutput) {
        (passed, what, seconds, tries) = (true, report.what, report.seconds, report.tries)
        (observation, exit) = (report.observation, report.exit)
        if report.tries == nil { (stdout, stderr) = output.texts }
    }

    init(_ problem: Problem, _ output: CommandOutput) {
        (passed, what, self.problem) = (false, problem.what, problem)
        if case let texts = output.texts, !texts.stdout.isEmpty || !texts.stderr.isEmpty { (stdout, stderr) = texts }
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
