import FoundationEssentials
import Glibc
public import LabEvents
import Subprocess
import SystemPackage

/// How owners come into being.
public enum OwnerProcess {
    /// The hidden verb of every executable that links the command line.
    public static let verb = "owner"

    /// A started owner, as its viewer sees it.
    public struct Child: Sendable {
        /// Its process id; it is a child of this process.
        public let pid: Int32
        /// The viewer's end of a connection to it.
        let viewer: Int32

        /// Talks to the owner as its viewer.
        public func talk<Result: Sendable>(_ body: @escaping @Sendable (ControlClient) async throws -> Result) async throws -> Result {
            try await ControlClient.with(descriptor: viewer, body)
        }

        /// Ends the owner at once; its watchdog ends the lab.
        public func kill() { _ = Glibc.kill(pid, SIGKILL) }

        /// How the owner ended; it must have. The signal is nil when it exited.
        public func end() -> (text: String, signal: Int32?) {
            var status: Int32 = 0
            guard waitpid(pid, &status, 0) == pid else { return ("is gone", nil) }
            let signal = status & 0x7F
            return signal == 0 ? ("exited with status \((status >> 8) & 0xFF)", nil) : ("was ended by signal \(signal)", signal)
        }

        /// How long a watchdog takes whose owner is gone, three times over.
        private static let watchdogTime = Duration.seconds(2)

        /// Waits until nothing of a lab is left whose owner is gone or about to go.
        public func settle(_ run: RunDirectory, atMost limit: Duration) async {
            let deadline = ContinuousClock.now + limit
            var ownerGone: ContinuousClock.Instant?
            while ContinuousClock.now < deadline {
                if ownerGone == nil, !RunLock.isHeld(run) { ownerGone = .now }
                if let ownerGone {
                    if access(run.sockets, F_OK) != 0 { return }
                    // An owner that died young had no watchdog yet.
                    if ownerGone.duration(to: .now) > Self.watchdogTime { await LabEnd.sweep(run) }
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    /// Starts this executable as the owner of a run, in a session of its own.
    ///
    /// - Parameters:
    ///   - run: its folders; the request is in them.
    ///   - lock: which passes to the owner.
    public static func start(_ run: RunDirectory, lock: RunLock) throws(Problem) -> Child {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, SocketKind.stream, 0, &ends) == 0 else {
            throw Problem(.failure, "cannot make a socket", why: String(cString: strerror(errno)))
        }
        // High numbers, so that those which the owner gets are free to be put in place.
        let high = [lock.descriptor, ends[1]].map { fcntl($0, F_DUPFD_CLOEXEC, 20) }
        defer { for descriptor in high + [ends[1]] { close(descriptor) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, run.path + "/harness.log", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        posix_spawn_file_actions_adddup2(&actions, high[0], 3)
        posix_spawn_file_actions_adddup2(&actions, high[1], 4)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | 0x80 /* POSIX_SPAWN_SETSID */)
        let words = ["vmlab", verb, "--run", run.path, "--lock", "3", "--viewer", "4"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &arguments, environ)
        guard code == 0 else {
            close(ends[0])
            throw Problem(.failure, "the owner process cannot be started", why: String(cString: strerror(code)))
        }
        return Child(pid: pid, viewer: ends[0])
    }

    /// Whether an executable could take over: it must start and know this build's form of handing over.
    static func check(_ executable: String, run: RunDirectory) async throws {
        let asked = try? await Subprocess.run(
            .path(FilePath(executable)), arguments: [verb, "--check", "\(Handover.version)"], input: .none, output: .string(limit: 4096),
            error: .combinedWithOutput)
        guard let asked, asked.terminationStatus == .exited(0) else {
            let why = asked.map { "`owner --check` ended with \($0.terminationStatus): \($0.standardOutput)" } ?? "it does not start"
            throw Problem(
                .failure, "the executable cannot take the lab over", location: executable, why: why,
                remedy: "it must link VMLabCommand of a compatible version")
        }
    }

    /// Owns a run that another process prepared; ends when the lab is gone.
    ///
    /// - Parameters:
    ///   - path: the run directory.
    ///   - lock: the descriptor that holds its lock.
    ///   - viewer: the descriptor of the connection to the viewer.
    ///   - calls: what clients may call by name on the lab's nodes.
    ///   - signals: SIGINT, SIGTERM and SIGHUP as this process gets them.
    /// - Returns: the exit code of the run.
    public static func own(
        path: String, lock: Int32, viewer: Int32?, scenarios: ScenarioCatalog, calls: ControlCalls, signals: AsyncStream<Int32>
    ) async throws -> Int32 {
        let run = RunDirectory.open(path: path)
        let request = try JSONDecoder().decode(RunRequest.self, from: Data(contentsOf: URL(filePath: path + "/request.json")))
        if let viewer { _ = fcntl(viewer, F_SETFD, FD_CLOEXEC) }
        let redactor = Redactor()
        for name in request.secrets { try redactor.add(secret: secret(name), name: name) }
        return try await Owner.make(
            run: run, lock: .inherited(lock), request: request, scenarios: scenarios, calls: calls, redactor: redactor,
            needsViewer: !request.isDetached, firstSequence: 1, server: try ControlServer.listen(run.control), watchdogPipe: nil
        ).own(viewer: viewer, handover: nil, signals: signals)
    }

    /// Goes on as the owner of a lab that another build owned before in this very process.
    public static func takeOver(
        document: Int32, scenarios: ScenarioCatalog, calls: ControlCalls, signals: AsyncStream<Int32>
    ) async throws -> Int32 {
        let handover = try Handover.read(document)
        let redactor = Redactor()
        for (value, name) in handover.secrets { try redactor.add(secret: value, name: name) }
        return try await Owner.make(
            run: RunDirectory.open(path: handover.run), lock: .inherited(handover.lock), request: handover.request, scenarios: scenarios,
            calls: calls, redactor: redactor, needsViewer: false, firstSequence: handover.nextSequence,
            server: ControlServer(listener: handover.listener),
            watchdogPipe: (handover.watchdogReader, handover.watchdogWriter)
        ).own(viewer: nil, handover: handover, signals: signals)
    }

    /// Checks that variables are set and can be kept secret. Their values reach the owner as its environment, never as arguments.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput`.
    public static func checkSecrets(_ names: [String]) throws(Problem) {
        let redactor = Redactor()
        for name in names { try redactor.add(secret: try secret(name), name: name) }
    }

    private static func secret(_ name: String) throws(Problem) -> String {
        if let value = ProcessInfo.processInfo.environment[name] { return value }
        throw Problem(
            .invalidInput, "there is no variable '\(name)' to keep secret", remedy: "export it first; its value is never an argument")
    }

    /// Whether this build understands a form of handing over.
    public static func accepts(handoverVersion: Int) -> Bool { handoverVersion == Handover.version }
}

extension Owner {
    static func make(
        run: RunDirectory, lock: RunLock, request: RunRequest, scenarios: ScenarioCatalog, calls: ControlCalls, redactor: Redactor,
        needsViewer: Bool, firstSequence: Int, server: ControlServer, watchdogPipe: (reader: Int32, writer: Int32)?
    ) throws -> Owner {
        // A new executable may take over a lab whose scenario it does not know: it has no phases then.
        let scenario =
            firstSequence == 1
            ? try scenarios.scenario(named: request.scenario)
            : (try? scenarios.scenario(named: request.scenario))
                ?? Scenario(name: request.scenario, intent: "", topology: { _ throws(Problem) in Topology(nodes: []) })
        let log = EventLog(run: run.identifier, redactor: redactor, firstSequence: firstSequence)
        let state = OwnerState(run: run, request: request, scenario: scenario, log: log, calls: calls, needsViewer: needsViewer)
        let result = ResultKeeper(run: run, scenario: request.scenario, redactor: redactor)
        if firstSequence > 1 { result.replay(to: state.ledger) }
        log.attach(result)
        log.attach(state)
        log.attach(state.ledger)
        log.attach(try EventFile(path: run.path + "/events.jsonl") { problem in state.evidenceFailed(problem) })
        signal(SIGPIPE, SIG_IGN)
        return Owner(
            run: run, lock: lock, scenario: scenario, request: request, state: state, log: log, redactor: redactor, result: result,
            server: server, watchdog: try Watchdog(run, events: log, pipe: watchdogPipe))
    }
}
