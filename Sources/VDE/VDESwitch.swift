import Glibc
public import LabEvents
import Synchronization

/// A running switch, inside the scope of ``withVDESwitch(_:options:body:)`` or ``withAttachedVDESwitch(_:record:lifeline:options:body:)``.
///
/// Any number of tasks may call at once; the switch gets one command after the other. A call that is cancelled ends at once, with a problem
/// that says so; the switch may have acted on it. A call in which the switch ends does so too, with a problem `switch-died`.
public final class VDESwitch: Sendable {
    private struct State {
        var socket: ManagementSocket?
        var isEnding = false
    }

    /// What the switch is made of.
    public let configuration: SwitchConfiguration
    /// The descriptor whose other end is the switch's standard input; the switch ends when the last copy is closed. Close-on-exec is set:
    /// whoever hands it on across an exec of this process clears that for the moment. What is written to it would be a command.
    public var lifeline: Int32 { child.lifeline }
    let options: SwitchOptions
    let child: LifelineProcess
    var process: ChildProcess { child.process }
    private let state = Mutex(State())

    init(configuration: SwitchConfiguration, options: SwitchOptions, child: LifelineProcess) {
        (self.configuration, self.options, self.child) = (configuration, options, child)
    }

    /// The switch's process.
    public var record: ProcessRecord { process.record }

    /// Whether the process runs.
    public var isRunning: Bool { process.exit == nil }

    /// Waits until the switch is gone. Any number of tasks may wait.
    ///
    /// - Returns: how it ended; nil when the waiting task was cancelled.
    public func waitForExit() async -> ProcessExit? { await process.waitForExit() }

    /// Sends a command and waits for the answer's table.
    ///
    /// - Parameters:
    ///   - command: one line of the management protocol.
    ///   - purpose: what is asked for in words, after "cannot".
    func ask(_ command: String, to purpose: String) async throws(Problem) -> [String] {
        let limit = options.callLimit
        // A command that was not sent may go over a new connection; one that was is not repeated.
        for isLast in [false, true] {
            let session = try await connection(to: purpose).session
            guard let answer = await withDeadline(limit, { await session.call(command) }) else {
                throw unanswered(command, to: purpose)
            }
            switch answer {
            case .success(let reply) where reply.code == 1000: return reply.data
            case .success(let reply): throw refusal(reply, of: command, to: purpose)
            case .failure(.closed(wasSent: false, _)) where !isLast: continue
            case .failure(let error): throw await broken(error, command, to: purpose)
            }
        }
        return []
    }

    /// Closes the management connection, as a network fault would; for tests.
    func breakConnection() async { await state.withLock { $0.socket }?.close() }

    /// Ends the switch and removes what it leaves. Outlasts the cancellation of the calling task.
    func end() async {
        let socket = state.withLock { state in
            state.isEnding = true
            return state.socket
        }
        close(lifeline)
        await process.end(after: .milliseconds(500))
        await socket?.close()
        configuration.removeLeftovers()
    }
}

// MARK: - The connection

extension VDESwitch {
    /// The connection, made anew where there is none or it broke.
    private func connection(to purpose: String) async throws(Problem) -> ManagementSocket {
        if process.exit != nil { throw died(to: purpose) }
        if let socket = state.withLock({ $0.socket }), !socket.session.isClosed { return socket }
        let socket: ManagementSocket
        do {
            socket = try await ManagementSocket.connect(path: configuration.managementSocket)
        } catch {
            throw await broken(.closed(wasSent: false, reason: "\(error)"), "connect", to: purpose)
        }
        return await adopt(socket)
    }

    /// Makes a connection the one that calls go over, unless another task was faster.
    private func adopt(_ socket: ManagementSocket) async -> ManagementSocket {
        let (winner, loser) = state.withLock { state -> (ManagementSocket, ManagementSocket?) in
            if let other = state.socket, !other.session.isClosed { return (other, socket) }
            state.socket = socket
            return (socket, nil)
        }
        await loser?.close()
        return winner
    }

    /// Waits until the switch answers, and makes sure that it is this one.
    ///
    /// - Returns: whether it answered before the limit; false also when the process ended or the task was cancelled.
    /// - Throws: a problem of kind `busy` when another switch answers.
    func connect(within limit: Duration) async throws(Problem) -> Bool {
        let owner = await withDeadline(limit) { () -> Int32? in
            while self.process.exit == nil, !Task.isCancelled {
                if let pid = await self.answeringProcess() { return pid }
                // Nothing announces the socket; the switch makes it a few milliseconds after its start.
                try? await Task.sleep(for: .milliseconds(5))
            }
            return nil
        }
        guard let owner, owner != record.pid else { return owner != nil }
        throw Problem(
            .busy, "another switch has the management socket of switch \(configuration.name)", location: configuration.managementSocket,
            why: "process \(owner) answers there", remedy: "end the other switch, or use another path")
    }

    /// The pid in the line `pid 123 MAC … uptime …` of `showinfo`; nil when nobody answers.
    private func answeringProcess() async -> Int32? {
        guard let socket = try? await ManagementSocket.connect(path: configuration.managementSocket) else { return nil }
        _ = await adopt(socket)
        let lines = (try? await ask("showinfo", to: "ask for the process")) ?? []
        return lines.first { $0.hasPrefix("pid ") }?.split(separator: " ").dropFirst().first.flatMap { Int32($0) }
    }
}

// MARK: - What goes wrong

extension VDESwitch {
    private func broken(_ error: ManagementError, _ command: String, to purpose: String) async -> Problem {
        switch error {
        case .cancelled: return unanswered(command, to: purpose)
        case .unanswered:
            return problem(to: purpose, why: "the switch answered nothing to '\(command)'", remedy: "look at \(options.log)")
        case .closed(let wasSent, let reason):
            // The socket closes a moment before the process is gone.
            if await withDeadline(.seconds(1), { await self.process.waitForExit() }) != nil { return died(to: purpose) }
            return problem(
                to: purpose, why: reason + (wasSent ? "; the switch may have acted on '\(command)'" : ""),
                remedy: "the switch runs (pid \(record.pid)); ask again")
        }
    }

    private func unanswered(_ command: String, to purpose: String) -> Problem {
        if Task.isCancelled {
            return problem(to: purpose, why: "the wait was cancelled; the switch may have acted on '\(command)'", remedy: nil)
        }
        return problem(
            to: purpose, why: "waited \(options.callLimit) for the answer to '\(command)'; the process runs (pid \(record.pid))",
            remedy: "see whether the process stands still: cat /proc/\(record.pid)/status")
    }

    private func died(to purpose: String) -> Problem {
        let how = process.exit.map { "\($0)" } ?? "is gone"
        if state.withLock({ $0.isEnding }) {
            return problem(to: purpose, why: "the switch \(how): its scope was left", remedy: "ask inside the scope")
        }
        return .environment(
            .switchDied, "cannot \(purpose): switch \(configuration.name) is gone", location: "switch \(configuration.name)",
            why: "vde_switch (pid \(record.pid)) \(how)",
            remedy: "guests do not find their way to a new switch: start the lab again; the switch's last words are in \(options.log)")
    }

    func problem(to purpose: String, why: String, remedy: String?) -> Problem {
        Problem(
            .failure, "cannot \(purpose) on switch \(configuration.name)", location: "switch \(configuration.name)", why: why,
            remedy: remedy)
    }
}
