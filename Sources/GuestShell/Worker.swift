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

    private struct State {
        var pid = 0
        var pair: OutputPair?
        /// Whether the worker was told to open the pair's ports; it then has them open whenever it is idle, unless it says `busy`.
        var isOpen = false
        /// Whether something killed the shell behind its last command, so that it waits for its program again.
        var isDead = false
        /// The opening mark of the frame to come on open ports.
        var next = Mark.random()
    }

    let index: Int
    let node: String
    let port: LinePort
    private let epoch: Mark
    private let isBash: Bool
    private let state = Mutex(State())

    init(index: Int, node: String, port: LinePort, epoch: Mark, isBash: Bool) {
        self.index = index
        self.node = node
        self.port = port
        self.epoch = epoch
        self.isBash = isBash
    }

    /// The worker's process id in the guest.
    var pid: Int { state.withLock { $0.pid } }

    /// The pair that it uses. Giving it another one makes it open that one's ports before the next command.
    var pair: OutputPair? {
        get { state.withLock { $0.pair } }
        set {
            state.withLock { state in
                if state.pair !== newValue { state.isOpen = false }
                state.pair = newValue
            }
        }
    }

    /// Sends the worker its program and waits until it says that it is ready.
    func load() async throws {
        state.withLock { ($0.isOpen, $0.isDead) = (false, false) }
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
    var keepsPair: Bool { state.withLock { $0.isOpen } }

    /// Makes the worker close the ports that it keeps open, so that another one can use them.
    func releasePair() async throws {
        pair = nil
        try await port.send("op\nclose \(epoch.text)\n")
        while let line = try await port.line() {
            if line == "closed" { return }
            // The ports were held by a background child, so they are closed already; the order was skipped.
            if line.hasPrefix("busy output") { return }
        }
        throw GuestShellError.channelBroken(node: node, detail: "the worker did not close its ports")
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
        if state.withLock({ $0.isDead }) { try await load() }
        let (end, next, fresh) = (Mark.random(), Mark.random(), Mark.random())
        let (isOpen, begin) = state.withLock { state in
            defer { (state.isOpen, state.next) = (true, next) }
            return (state.isOpen, state.isOpen ? state.next : fresh)
        }
        pair.expect(begin: isOpen ? nil : fresh, end: end, next: next)
        let order = isOpen ? "" : "op\nopen \(epoch.text) \(pair.stdout.device) \(pair.stderr.device) \(fresh.text)\n"
        let lines = script.utf8.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        try await input?.open(fresh)
        let feed = input.map { " \($0.device) \(fresh.text)" } ?? ""
        try await port.send("\(order)\(lines)\(feed)\n\(script)\nend \(end.text) \(next.text)\n")
        return try await withThrowingTaskGroup(of: Event.self) { group in
            group.addTask { .frame(try await pair.stdout.frame(into: sinks.out)) }
            group.addTask { .frame(try await pair.stderr.frame(into: sinks.err)) }
            group.addTask { [port] in .said(try await port.line()) }
            if let timeout { group.addTask { try await Self.alarm(after: timeout) } }
            if let input { group.addTask { try await input.feed() } }
            return try await finish(&group, pair: pair, begin: begin, input: input, control: control).get()
        }
    }

    /// Watches a run to its end and takes in everything that its tasks have read: the worker may say something behind its marks, and a task that is
    /// cancelled may just have read it.
    private func finish(
        _ group: inout ThrowingTaskGroup<Event, any Error>, pair: OutputPair, begin: Mark?, input: CommandInput? = nil,
        control: ControlShell
    ) async -> Result<End, any Error> {
        let end: Result<End, any Error>
        do { end = .success(try await watch(&group, pair: pair, begin: begin, control: control)) } catch { end = .failure(error) }
        group.cancelAll()
        input?.abort()
        while let rest = await group.nextResult() {
            if case .success(.said(let line?)) = rest { heard(line) }
        }
        return end
    }

    /// Takes in what the worker said after its command had ended.
    private func heard(_ line: String) {
        state.withLock { state in
            state.isOpen = false
            if line.hasPrefix("died") { state.isDead = true }
        }
    }

    private static func alarm(after delay: Duration) async throws -> Event {
        try await Task.sleep(for: delay)
        return .alarm
    }

    private func watch(
        _ group: inout ThrowingTaskGroup<Event, any Error>, pair: OutputPair, begin: Mark?, control: ControlShell
    ) async throws -> End {
        var frames = 0
        var alarms = 0
        var died: Int?
        var inputIsBusy = false
        while let event = try await group.next() {
            switch event {
            case .fed: break
            case .frame(let trailer):
                frames += 1
                guard frames == 2 else { continue }
                if alarms > 0 { try await control.sweep(worker: pid) }
                if let died { return .died(status: died) }
                if inputIsBusy { return .busy(.input) }
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
                if words.first == "busy", words.count == 3 {
                    if words[1] == "input" {
                        inputIsBusy = true
                    } else {
                        state.withLock { $0.isOpen = false }
                        // After a death: something outside the command's session still holds the port, so its last bytes have no end to wait for.
                        if let died { return .died(status: died) }
                        if let begin, words[2] == begin.text { return .busy(.output) }
                        // Else the ports could not be opened again behind this very command, which has run.
                    }
                    group.addTask { [port] in .said(try await port.line()) }
                    continue
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

    /// After the command killed its shell: ends what it left, starts the shell again, and has it write a mark behind whatever is still under way, as the
    /// opening mark of a frame that is never used.
    private func recover(pair: OutputPair, control: ControlShell) async throws {
        try await control.reap(session: pid, groups: isBash)
        try await load()
        let mark = Mark.random()
        pair.retarget(end: mark)
        try await port.send("open \(epoch.text) \(pair.stdout.device) \(pair.stderr.device) \(mark.text)e000\n")
    }

    /// Ends what the worker runs and waits until it is free again: the caller of the command has gone.
    ///
    /// - Parameter limit: after it the worker counts as lost.
    func settle(control: ControlShell, limit: Duration) async throws {
        guard let pair else { return }
        let request = CommandRequest("")
        let sinks = OutputPiece.Stream.allCases.map { OutputSink(stream: $0, request: request, node: node) }
        try await withThrowingTaskGroup(of: Event.self) { group in
            group.addTask { .frame(try await pair.stdout.frame(into: sinks[0])) }
            group.addTask { .frame(try await pair.stderr.frame(into: sinks[1])) }
            group.addTask { [port] in .said(try await port.line()) }
            try await control.signal(worker: pid, "KILL")
            group.addTask {
                try await Task.sleep(for: limit)
                throw GuestShellError.channelBroken(node: self.node, detail: "a cancelled command could not be ended")
            }
            _ = try await finish(&group, pair: pair, begin: nil, control: control).get()
        }
    }
}
