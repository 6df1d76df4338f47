public import GuestShell
import LabEvents
public import VMLab

extension Node {
    /// Runs a command that must end with status 0.
    ///
    /// - Parameters:
    ///   - timeout: after which its process group is ended; ``VMLab/Budget/command`` times the pace when nil.
    ///   - environment: variables added to the root login's.
    ///   - onOutput: called with each piece of output as it comes.
    /// - Throws: a ``Problem`` with the status, the last lines of both streams and the caller's source line when it does not.
    @discardableResult
    public func succeed(
        _ command: String, timeout: Duration? = nil, environment: [String: String] = [:],
        onOutput: (@Sendable (OutputPiece) async throws -> Void)? = nil, file: String = #fileID, line: Int = #line
    ) async throws -> CommandResult {
        let result = try await result(
            of: CommandRequest(command, timeout: timeout, environment: environment, onOutput: onOutput), file, line)
        guard result.succeeded else { throw failure("a command failed", result, file, line) }
        return result
    }

    /// Runs a command that must end with another status than 0. One whose time was up has not failed by itself, and neither has one that was not found (127)
    /// or cannot be run (126).
    ///
    /// - Parameters:
    ///   - timeout: as of ``succeed(_:timeout:environment:onOutput:file:line:)``.
    ///   - onOutput: called with each piece of output as it comes.
    /// - Throws: a ``Problem`` as of ``succeed(_:timeout:environment:onOutput:file:line:)`` when it succeeds.
    @discardableResult
    public func fail(
        _ command: String, timeout: Duration? = nil, onOutput: (@Sendable (OutputPiece) async throws -> Void)? = nil,
        file: String = #fileID, line: Int = #line
    ) async throws -> CommandResult {
        let result = try await result(of: CommandRequest(command, timeout: timeout, onOutput: onOutput), file, line)
        switch result.outcome {
        case .exited(0): throw failure("a command succeeded that should fail", result, file, line)
        case .exited(126), .exited(127): throw failure("a command that should fail could not be run", result, file, line)
        case .timedOut: throw failure("a command that should fail did not end", result, file, line)
        case .exited, .signalled: return result
        }
    }

    private func result(of request: CommandRequest, _ file: String, _ line: Int) async throws -> CommandResult {
        let (seen, boot) = (changes.count, boot)
        var request = request
        request.timeout = request.timeout ?? budget(.command).scaled(by: pace)
        do {
            return try await execute(request)
        } catch let error as GuestShellError {
            var problem = error.problem.located(file, line)
            if case .lost = error, let loss = await withDeadline(.milliseconds(500), { try? await self.loss(since: seen, boot: boot) }) {
                problem.why = loss
            }
            throw problem
        } catch let problem as Problem {
            throw problem.located(file, line)
        }
    }

    private func failure(_ what: String, _ result: CommandResult, _ file: String, _ line: Int) -> Problem {
        let streams = [("stdout", result.stdout), ("stderr", result.stderr)].map { name, stream in
            let lines = stream.trimmed.split(separator: "\n", omittingEmptySubsequences: false).suffix(10)
            return stream.trimmed.isEmpty ? "\(name): empty" : "\(name):\n" + lines.map { "  " + $0.prefix(400) }.joined(separator: "\n")
        }
        return Problem(
            .failure, "\(name): \(what): \(result.outcome): '\(Self.short(result.command))'", location: "\(file):\(line)",
            why: "after \(result.duration.seconds.rounded(to: 1)) s\n" + streams.joined(separator: "\n"))
    }
}
