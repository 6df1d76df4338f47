public import GuestShell
import LabEvents

extension Node {
    /// Runs a command in the guest and reports it as an event. A status other than 0 is a result.
    ///
    /// - Throws: a ``Problem`` when the node is off, or an error of the guest's shells.
    @discardableResult
    public func execute(_ request: CommandRequest) async throws -> CommandResult {
        let machine = try machine()
        let begin = ContinuousClock.now
        do {
            let result = try await machine.shell.execute(request)
            report(request, "\(result.outcome)", result.duration, [result.stdout, result.stderr])
            return result
        } catch {
            report(request, "\(error)", begin.duration(to: .now), [])
            throw error
        }
    }

    /// Runs a command in the guest; see ``execute(_:)``.
    ///
    /// - Parameters:
    ///   - timeout: after which its process group is ended; no limit when nil.
    ///   - environment: variables added to the root login's.
    @discardableResult
    public func execute(_ command: String, timeout: Duration? = nil, environment: [String: String] = [:]) async throws -> CommandResult {
        try await execute(CommandRequest(command, timeout: timeout, environment: environment))
    }

    /// Runs a command that must end with status 0.
    ///
    /// - Throws: a ``Problem`` with the command's last words when it does not.
    @discardableResult
    public func run(_ command: String, timeout: Duration? = nil, environment: [String: String] = [:]) async throws -> CommandResult {
        let result = try await execute(
            command, timeout: timeout ?? context.budget(.command).scaled(by: context.pace), environment: environment)
        guard result.succeeded else {
            throw Problem(.failure, "\(name): a command failed", location: name, why: "\(result)")
        }
        return result
    }

    private func report(_ request: CommandRequest, _ outcome: String, _ duration: Duration, _ outputs: [CapturedOutput]) {
        let tail = outputs.map(\.trimmed).filter { !$0.isEmpty }.map { String($0.suffix(512)) }.joined(separator: "\n")
        let run = LabEvent.CommandRun(
            command: String(request.command.prefix(1024)), outcome: outcome, seconds: duration.seconds.rounded(to: 3),
            output: tail.isEmpty ? nil : tail)
        context.events.record(.command(run), node: name, severity: .debug)
    }
}
