import GuestShell
import LabEvents
public import VMLab

/// | call | needs | what it is |
/// |---|---|---|
/// | `succeed`, `fail` | `command` | a command that must end with status 0, or with another; its output comes as it is written |
/// | `waitUntilSucceeds`, `waitUntilFails` | `command` | the command again and again |
/// | `waitForUnit` | `unit` | a systemd unit is active |
/// | `waitForOpenPort`, `waitForClosedPort` | `port` | whether something listens in the guest |
/// | `waitForTCP` | `host`, `port` | a connection from the guest |
/// | `waitForHTTP` | `url`; `status` (a number, or `any`; 200), `body` | an answer |
/// | `waitForFile` | `path` | a file is there |
/// | `waitForConsole` | `pattern` | a line of this boot's console |
/// | `waitForJournal` | `pattern`; `unit` | a message of this boot's journal |
extension ControlCalls {
    /// The node calls of scenarios, for clients of a lab: the same code, and so the same errors.
    public static let phases = ControlCalls([
        command("succeed") { node, script, timeout, output in
            try await node.succeed(script, timeout: timeout, onOutput: output, file: outside, line: 0)
        },
        command("fail") { node, script, timeout, output in
            try await node.fail(script, timeout: timeout, onOutput: output, file: outside, line: 0)
        },
        wait("waitUntilSucceeds") { given throws(Problem) in .succeeds(try given.script()) },
        wait("waitUntilFails") { given throws(Problem) in .fails(try given.script()) },
        wait("waitForUnit") { given throws(Problem) in .unit(try given.text("unit")) },
        wait("waitForOpenPort") { given throws(Problem) in .openPort(try given.port()) },
        wait("waitForClosedPort") { given throws(Problem) in .closedPort(try given.port()) },
        wait("waitForTCP") { given throws(Problem) in .tcp(try given.text("host"), try given.port()) },
        wait("waitForHTTP") { given throws(Problem) in
            let status: Int? =
                switch given.values["status"] {
                case "any": nil
                case nil: 200
                default: try given.number("status", in: 100...599)
                }
            return .http(try given.text("url"), status: status, body: given.values["body"])
        },
        wait("waitForFile") { given throws(Problem) in .file(try given.text("path")) },
        wait("waitForConsole") { given throws(Problem) in .console(try given.text("pattern")) },
        wait("waitForJournal") { given throws(Problem) in .journal(try given.text("pattern"), unit: given.values["unit"]) },
    ])

    /// What stands in the place of a source file.
    private static let outside = "a client"

    private static func command(
        _ name: String, _ body: @escaping @Sendable (Node, String, Duration?, @escaping ControlCall.Output) async throws -> CommandResult
    ) -> ControlCall {
        ControlCall(name) { given, output in
            let script = try given.script()
            let result = try await withoutSource { try await body(given.node, script, given.timeout, output) }
            let status: Int? = if case .exited(let status) = result.outcome { status } else { nil }
            return ControlCall.Report(what: "\(given.node.name): \(result)", seconds: result.duration.seconds.rounded(to: 3), exit: status)
        }
    }

    private static func wait(
        _ name: String, _ kind: @escaping @Sendable (ControlCall.Arguments) throws(Problem) -> NodeCondition
    ) -> ControlCall {
        ControlCall(name) { given, _ in
            let kind = try kind(given)
            let budget = given.timeout.map { Budget.seconds($0.seconds) } ?? .wait
            let report = try await withoutSource { try await given.node.wait(for: kind, budget, file: outside, line: 0) }
            return ControlCall.Report(
                what: report.what, seconds: report.seconds.rounded(to: 3), tries: report.tries, observation: report.observation)
        }
    }

    /// Runs `body`; in its error, what stands for a source line goes.
    private static func withoutSource<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch var problem as Problem {
            let mark = "\(outside):0"
            if let location = problem.location, location.hasPrefix(mark) {
                let rest = location.dropFirst(mark.count + 2)
                problem.location = rest.isEmpty ? nil : String(rest)
            }
            throw problem
        }
    }
}

extension ControlCall.Arguments {
    fileprivate func port() throws(Problem) -> Int { try number("port", in: 1...65535) }
}
