import Synchronization

/// The shell that starts workers and ends what they run. It answers one call at a time, in a few milliseconds.
final class ControlShell: Sendable {
    private let port: LinePort
    private let node: String
    private let turn = AsyncSemaphore(1)
    private let sequence = Mutex(0)

    init(port: LinePort, node: String) {
        self.port = port
        self.node = node
    }

    /// Runs a line in the control shell.
    ///
    /// - Returns: the lines it printed.
    /// - Throws: ``GuestShellError/channelBroken(node:detail:)`` when it has ended.
    @discardableResult
    func call(_ line: String) async throws -> [String] {
        try await turn.withPermit {
            let number = sequence.withLock { number in
                number += 1
                return number
            }
            try await port.send("\(line)\nprintf 'ok %s\\n' \(number)\n")
            var lines: [String] = []
            while let answer = try await port.line() {
                if answer == "ok \(number)" { return lines }
                lines.append(answer)
            }
            throw GuestShellError.channelBroken(node: node, detail: "the control shell ended")
        }
    }

    /// Sends a signal to the process group of what the worker with this process id runs.
    func signal(worker: Int, _ signal: String) async throws {
        try await call("vkill \(worker) \(signal)")
    }

    /// Ends what is left of a process group whose leader obeyed an earlier signal while others in it did not.
    func sweep(worker: Int) async throws {
        try await call("vsweep \(worker)")
    }

    /// Ends what a dead worker left running. With bash every command is a process group of its own and only the last one's group still has its leader;
    /// other shells have no groups without a terminal, so there the worker's older background children go too.
    func reap(session worker: Int, groups: Bool) async throws {
        try await call("vreap \(worker) \(groups ? "groups" : "all")")
    }

    func end(_ error: (any Error)?) {
        port.connection.end(error)
    }
}
