import GuestShell
import LabEvents
public import VMLab

/// | call | needs | what it is |
/// |---|---|---|
/// | `succeed`, `fail` | `command` | ``Node/succeed(_:timeout:environment:file:line:)``, ``Node/fail(_:timeout:file:line:)`` |
/// | `waitUntilSucceeds`, `waitUntilFails` | `command` | the command again and again |
/// | `waitForUnit` | `unit` | a systemd unit is active |
/// | `waitForOpenPort`, `waitForClosedPort` | `port` | whether something listens in the guest |
/// | `waitForTCP` | `host`, `port` | a connection from the guest |
/// | `waitForHTTP` | `url`; `status` (a number, or `any`; 200), `body` | an answer |
/// | `waitForFile` | `path` | a file is there |
/// | `waitForConsole` | `pattern` | a line of this boot's console |
/// | `waitForJournal` | `pattern`; `unit` | a message of this boot's journal |
extension ControlCalls {
    /// The node calls of scenarios, for clients of a lab.
    public static let phases = ControlCalls([
        command("succeed") { node, script, timeout in try await node.succeed(script, timeout: timeout) },
        command("fail") { node, script, timeout in try await node.fail(script, timeout: timeout) },
        wait("waitUntilSucceeds") { node, given, budget in try await node.waitUntilSucceeds(try given.script(), budget) },
        wait("waitUntilFails") { node, given, budget in try await node.waitUntilFails(try given.script(), budget) },
        wait("waitForUnit") { node, given, budget in try await node.waitForUnit(try given.text("unit"), budget) },
        wait("waitForOpenPort") { node, given, budget in try await node.waitForOpenPort(try given.port(), budget) },
        wait("waitForClosedPort") { node, given, budget in try await node.waitForClosedPort(try given.port(), budget) },
        wait("waitForTCP") { node, given, budget in try await node.waitForTCP(try given.text("host"), try given.port(), budget) },
        wait("waitForHTTP") { node, given, budget in
            let status: Int? =
                switch given.values["status"] {
                case "any": nil
                case nil: 200
                default: try given.number("status", in: 100...599)
                }
            return try await node.waitForHTTP(try given.text("url"), status: status, body: given.values["body"], budget)
        },
        wait("waitForFile") { node, given, budget in try await node.waitForFile(try given.text("path"), budget) },
        wait("waitForConsole") { node, given, budget in try await node.waitForConsole(try given.text("pattern"), budget) },
        wait("waitForJournal") { node, given, budget in
            try await node.waitForJournal(try given.text("pattern"), unit: given.values["unit"], budget)
        },
    ])

    private static func command(
        _ name: String, _ body: @escaping @Sendable (Node, String, Duration?) async throws -> CommandResult
    ) -> ControlCall {
        ControlCall(name) { given, output in
            let result = try await body(given.node, try given.script(), given.timeout)
            for (stream, text) in [(OutputPiece.Stream.stdout, result.stdout), (.stderr, result.stderr)] where !text.bytes.isEmpty {
                try await output(OutputPiece(stream: stream, bytes: text.bytes))
            }
            let status: Int? = if case .exited(let status) = result.outcome { status } else { nil }
            return ControlCall.Report(
                what: "\(given.node.name): \(result)", seconds: result.duration.seconds.rounded(to: 3), exit: status)
        }
    }

    private static func wait(
        _ name: String, _ body: @escaping @Sendable (Node, ControlCall.Arguments, Budget) async throws -> WaitReport
    ) -> ControlCall {
        ControlCall(name) { given, _ in
            let report = try await body(given.node, given, given.timeout.map { Budget("timeout", $0) } ?? .wait)
            return ControlCall.Report(
                what: report.what, seconds: report.seconds.rounded(to: 3), tries: report.tries, observation: report.observation)
        }
    }
}

extension ControlCall.Arguments {
    fileprivate func port() throws(Problem) -> Int { try number("port", in: 1...65535) }
}
