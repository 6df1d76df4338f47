import Glibc
import LabEvents
import SystemPackage

/// One try at an image: a run of skopeo that is watched.
struct ImageAttempt: Sendable {
    let fetcher: Fetcher
    let reference: ImageReference
    let platform: String
    let layout: ImageLayout
    let login: HostLogin

    private enum End: Sendable {
        case finished(HostProgram.Outcome)
        case stalled
    }

    /// How often the folder is looked at.
    private static let interval = Duration.milliseconds(250)

    /// - Parameters:
    ///   - stall: the time in which nothing comes after which it is given up.
    ///   - reached: told how many bytes are there, at the end.
    /// - Returns: what the layout is, and its bytes.
    /// - Throws: ``AttemptFailure``; a ``Problem``; `CancellationError`.
    func run(stall: Duration, reached: (Int64) -> Void) async throws -> (ImageLayout.Finding, Int64) {
        let command = SkopeoCommand(reference: reference, platform: platform, layout: layout.path, login: login.login)
        let skopeo = try HostTool(name: "skopeo", package: "skopeo").locate()
        let program = HostProgram(path: skopeo, environment: fetcher.environment)
        let end = try await withThrowingTaskGroup(of: (End?, Int64).self) { tasks in
            tasks.addTask { (.finished(try await program.output(command.arguments, input: command.authentication)), 0) }
            tasks.addTask { try await watch(stall) }
            defer { tasks.cancelAll() }
            guard let first = try await tasks.next(), let end = first.0 else { throw CancellationError() }
            return end
        }
        let layout = layout
        let bytes = try await fetcher.queue.run { layout.bytes }
        reached(bytes)
        guard case .finished(let outcome) = end else {
            throw AttemptFailure.transient("\(reference.host): nothing came for \(stall.inSeconds)")
        }
        guard outcome.exit == .exited(0) else { throw failure(outcome) }
        do {
            let found = try await fetcher.queue.run { try layout.verify() }
            return (found, bytes)
        } catch let damage as ImageLayout.Damage {
            unlink(damage.path)
            throw AttemptFailure.transient("\(damage.path) is not what it is called, and is fetched anew")
        }
    }

    /// Says how much is there; ends when nothing comes any more.
    private func watch(_ stall: Duration) async throws -> (End?, Int64) {
        let layout = layout
        var (bytes, last) = (Int64(0), ContinuousClock.now)
        while ContinuousClock.now - last < stall {
            try await Task.sleep(for: Self.interval)
            let now = try await fetcher.queue.run { layout.bytes }
            if now == bytes { continue }
            (bytes, last) = (now, .now)
            fetcher.progress(.progress(bytes: bytes, total: nil))
        }
        return (.stalled, bytes)
    }

    private func failure(_ outcome: HostProgram.Outcome) -> AttemptFailure {
        let message = SkopeoCommand.message(outcome.errors)
        // What comes after the image's name says what happened.
        let start = message.ranges(of: "\(reference.text): ").last?.upperBound ?? message.startIndex
        let said = fetcher.shown(String(message[start...]), login)
        let words = said.isEmpty ? "skopeo \(outcome.exit)" : said
        let name = "\(reference.host)/\(reference.repository)"
        switch SkopeoCommand.failure(outcome.errors) {
        case .quota:
            return .transient(
                "\(reference.host) answered 429, too many requests: \(words)",
                remedy: login.quotaAdvice(outcome.errors) ?? "wait, or use a login with more requests: \(Credentials.advice(login.host))")
        case .refused: return .permanent(login.refused("\(reference.host) refuses \(name)", at: reference.text, words))
        case .noSpace: return .permanent(.writing("cannot write an image", at: layout.path, code: ENOSPC))
        case .absent, .permanent: return .permanent(.fetch("\(name) cannot be fetched", at: reference.text, why: words))
        case .transient: return .transient("\(reference.host): \(words)")
        }
    }
}
