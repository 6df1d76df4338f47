import NIOCore
import Synchronization

/// One shell in the guest that runs one command at a time. See ``GuestScripts/worker`` for its side.
final class Worker: Sendable {
    /// How a run ended.
    enum End {
        /// The worker wrote both closing marks.
        case finished(FrameParser.Trailer, timedOut: Bool)
        /// A background child of an earlier command holds a port; the command did not run.
        case busy(Busy)
        /// The command killed its own shell; the status is how the shell ended. The worker has been started again.
        case died(status: Int)
    }

    /// Which port was busy.
    enum Busy: String {
        case output, input
    }

    /// How long a command may go on after SIGTERM before SIGKILL follows.
    static let grace = Duration.milliseconds(500)
    /// How many times SIGKILL is repeated, a second apart, before the worker is given up.
    static let killAttempts = 8

    let index: Int
    let node: String
    private let port: LinePort
    private let epoch: Mark
    private let isBash: Bool
    private let state = Mutex<(pid: Int, pair: OutputPair?, kept: Bool)>((0, nil, false))

    init(index: Int, node: String, port: LinePort, epoch: Mark, isBash: Bool) {
        self.index = index
        self.node = node
        self.port = port
        self.epoch = epoch
        self.isBash = isBash
    }

    /// The worker's process id in the guest.
    var pid: Int { state.withLock { $0.pid } }

    /// The pair that it used last and may still have open.
    var pair: OutputPair? {
        get { state.withLock { $0.pair } }
        set {
            state.withLock { state in
                if state.pair !== newValue { state.kept = false }
                state.pair = newValue
            }
        }
    }

    /// Sends the worker its program and waits until it says that it is ready.
    func load() async throws {
        state.withLock { $0.kept = false }
        try await port.send("load \(epoch.text)\n\(GuestScripts.worker)run \(epoch.text)\n")
        while let line = try await port.line() {
            let words = line.split(separator: " ")
            if words.count == 3, words[0] == "ready", words[1] == epoch.text, let pid = Int(words[2]) {
                state.withLock { $0.pid = pid }
                return
            }
        }
        throw GuestShellError.channelBroken(node: node, detail: "the worker shell ended before it was ready")
    }

    /// Whether the worker has its pair's ports open in the guest.
    var keepsPair: Bool { state.withLock { $0.kept } }

    /// Makes the worker close the ports that it kept open, so that another one can use them.
    func releasePair() async throws {
        pair = nil
        try await port.send("close\n")
        guard try await port.line() == "closed" else {
            throw GuestShellError.channelBroken(node: node, detail: "the worker did not close its ports")
        }
    }

    func end(_ error: (any Error)?) {
        port.connection.end(error)
    }

    /// What the tasks of a run report.
    enum Event: Sendable {
        case frame(FrameParser.Trailer)
        case said(String?)
        case alarm
        case fed
    }

    /// Runs a script.
    ///
    /// - Parameters:
    ///   - script: what the worker evaluates.
    ///   - timeout: after it the command's process group gets SIGTERM, then SIGKILL.
    ///   - input: the connected input port and what to feed through it, when the command has standard input.
    ///   - sinks: take the two streams.
    ///   - control: ends the command's processes.
    func run(
        _ script: String, timeout: Duration?, input: CommandInput?, sinks: (out: OutputSink, err: OutputSink), control: ControlShell
    ) async throws -> End {
        guard let pair else { throw GuestShellError.channelBroken(node: node, detail: "a worker without output ports") }
        let begin = Mark.random()
        let end = Mark.random()
        let kept = state.withLock { state in
            defer { state.kept = false }
            return state.kept
        }
        pair.expect(begin: kept ? nil : begin, end: end)
        let lines = script.utf8.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        try await input?.open(begin)
        if kept, input == nil {
            try await port.send("\(lines)\n\(script)\n\(end.text)\n")
        } else {
            try await port.send(
                "\(lines) \(pair.stdout.device) \(pair.stderr.device) \(input?.device ?? "")\n\(script)\n\(begin.text)\n\(end.text)\n"
            )
        }
        return try await withThrowingTaskGroup(of: Event.self) { group in
            defer {
                group.cancelAll()
                input?.abort()
            }
            group.addTask { .frame(try await pair.stdout.frame(into: sinks.out)) }
            group.addTask { .frame(try await pair.stderr.frame(into: sinks.err)) }
            group.addTask { [port] in .said(try await port.line()) }
            if let timeout { group.addTask { try await Self.alarm(after: timeout) } }
            if let input { group.addTask { try await input.feed() } }
            return try await watch(&group, pair: pair, control: control)
        }
    }

    private static func alarm(after delay: Duration) async throws -> Event {
        try await Task.sleep(for: delay)
        return .alarm
    }

    private func watch(
        _ group: inout ThrowingTaskGroup<Event, any Error>, pair: OutputPair, control: ControlShell
    ) async throws -> End {
        var frames = 0
        var alarms = 0
        var died: Int?
        while let event = try await group.next() {
            switch event {
            case .fed: break
            case .frame(let trailer):
                frames += 1
                guard frames == 2 else { continue }
                if alarms > 0 { try await control.sweep(worker: pid) }
                if let died { return .died(status: died) }
                state.withLock { $0.kept = trailer.kept }
                return .finished(trailer, timedOut: alarms > 0)
            case .alarm:
                alarms += 1
                guard alarms <= Self.killAttempts else {
                    throw GuestShellError.channelBroken(node: node, detail: "a command could not be ended: its processes ignore SIGKILL")
                }
                try await control.signal(worker: pid, alarms == 1 ? "TERM" : "KILL")
                group.addTask { [alarms] in try await Self.alarm(after: alarms == 1 ? Self.grace : .seconds(1)) }
            case .said(let line):
                let words = (line ?? "ended").split(separator: " ")
                if words.first == "busy", words.count == 2, let busy = Busy(rawValue: String(words[1])) {
                    // After a death: something outside the command's session still holds the port, so its last bytes have no end to wait for.
                    return died.map { .died(status: $0) } ?? .busy(busy)
                }
                guard died == nil, words.count == 3, words[0] == "died", words[1] == epoch.text, let status = Int(words[2]) else {
                    throw GuestShellError.channelBroken(node: node, detail: "the worker said '\(line ?? "end of file")'")
                }
                died = status
                try await recover(pair: pair, control: control)
                group.addTask { [port] in .said(try await port.line()) }
            }
        }
        throw GuestShellError.channelBroken(node: node, detail: "a command ended without a result")
    }

    /// After the command killed its shell: ends what it left, starts the shell again, and has it write a mark behind whatever is still under way. The mark
    /// goes out as the opening mark of a command that does nothing; that command forks, so that the worker closes the ports after it.
    private func recover(pair: OutputPair, control: ControlShell) async throws {
        try await control.reap(session: pid, groups: isBash)
        try await load()
        let mark = Mark.random()
        pair.retarget(end: mark)
        try await port.send("1 \(pair.stdout.device) \(pair.stderr.device)\n(:)\n\(mark.text)ce000\n\(Mark.random().text)\n")
    }

    /// Ends what the worker runs and waits until it is free again: the caller of the command has gone.
    ///
    /// - Parameter limit: after it the worker counts as lost.
    func settle(control: ControlShell, limit: Duration) async throws {
        guard let pair else { return }
        let request = CommandRequest("")
        let sinks = OutputPiece.Stream.allCases.map { OutputSink(stream: $0, request: request, node: node) }
        try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            group.addTask { .frame(try await pair.stdout.frame(into: sinks[0])) }
            group.addTask { .frame(try await pair.stderr.frame(into: sinks[1])) }
            group.addTask { [port] in .said(try await port.line()) }
            try await control.signal(worker: pid, "KILL")
            group.addTask {
                try await Task.sleep(for: limit)
                throw GuestShellError.channelBroken(node: self.node, detail: "a cancelled command could not be ended")
            }
            _ = try await watch(&group, pair: pair, control: control)
        }
    }
}
