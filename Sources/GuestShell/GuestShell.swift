import Glibc
public import NIOCore
import NIOPosix
import Synchronization

/// Opens a node's shells for the time of `body`.
///
/// The consoles are connected before this returns to `body`, so call it while the guest does not run yet (QEMU's `-S`), then resume the guest: a greeting
/// is not missed. The bootstrap goes on in the background; the first command waits for it.
///
/// - Parameters:
///   - node: the node's name, for errors.
///   - endpoints: the sockets that QEMU listens on.
///   - options: which shell, how long to wait, whether the guest is already up.
///   - group: the threads that carry the data; the process-wide ones by default.
///   - body: uses the shell; when it returns or throws, every connection is closed.
public func withGuestShell<Result>(
    node: String, endpoints: GuestEndpoints, options: GuestShellOptions = GuestShellOptions(),
    group: (any EventLoopGroup)? = nil, body: (GuestShell) async throws -> Result
) async throws -> Result {
    let shell = GuestShell(node: node, endpoints: endpoints, options: options, group: group ?? MultiThreadedEventLoopGroup.singleton)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        try await shell.connectConsoles(generation: 0)
        tasks.addTask { await shell.serve() }
        defer { tasks.cancelAll() }
        do {
            let result = try await body(shell)
            await shell.close()
            return result
        } catch {
            await shell.close()
            throw error
        }
    }
}

/// Commands and files in one guest.
///
/// Up to ``PortNames/workerCount`` commands run at once; more wait their turn. A command is a result whatever its status; only a guest that cannot answer
/// throws, and it does so at once when ``guestLost(_:)`` names the cause.
public actor GuestShell {
    /// The node's name.
    public nonisolated let node: String
    nonisolated let endpoints: GuestEndpoints
    nonisolated let options: GuestShellOptions
    nonisolated let group: any EventLoopGroup

    /// What a booted guest offers.
    struct Guest: Sendable {
        var control: ControlShell
        /// Device files by port name.
        var devices: [String: String]
        /// The shell of the workers.
        var shell: String
        var isBash: Bool { shell == "bash" }
        /// Counts the times that the guest was lost; what belongs to an older one is dead.
        var generation: Int
    }

    enum Job: Sendable {
        case bootstrap(generation: Int, alreadyUp: Bool)
        case settle(Worker, Guest)
        case drop(Worker, OutputPair, Guest)
    }

    nonisolated let ready = Gate<Guest>()
    /// Open once the cause of a loss is known.
    nonisolated let lossKnown = Gate<GuestLoss>()
    /// A permit for each worker that is idle or could be started. One that still runs what a cancelled command left keeps its permit.
    nonisolated let slots = AsyncSemaphore(PortNames.workerCount)
    /// One permit for each pair in ``freePairs``.
    nonisolated let freePermits = AsyncSemaphore(0)
    /// The one terminal that /dev/hvc1 is.
    nonisolated let terminalTurn = AsyncSemaphore(1)
    nonisolated let inputSlots = AsyncSemaphore(PortNames.inputCount)
    private nonisolated let jobs: AsyncStream<Job>
    private nonisolated let submit: AsyncStream<Job>.Continuation

    var generation = 0
    private var loss: GuestLoss?
    var consoles: [String: PortConnection] = [:]
    /// What each console did last, for ``GuestShellError/noShell(node:seconds:tried:)``.
    nonisolated let consoleNotes = Mutex<[String: String]>([:])
    var idle: [Worker] = []
    private var workers: [Int: Worker] = [:]
    private var starting: Set<Int> = []
    /// Every open connection to this guest, whoever uses it. QEMU takes one client a socket: one that outlived its guest would keep the next out.
    private var connections: [PortConnection] = []
    var freePairs: [OutputPair] = []
    /// Pairs that a background child holds, oldest first.
    var heldPairs: [OutputPair] = []
    var lastProbe = ContinuousClock.now
    var pairs: [Int: OutputPair] = [:]
    var freeInputs = Array(0..<PortNames.inputCount)
    /// Workers whose guest was paused under them and that may still run something.
    var abandoned: [Int] = []

    init(node: String, endpoints: GuestEndpoints, options: GuestShellOptions, group: any EventLoopGroup) {
        self.node = node
        self.endpoints = endpoints
        self.options = options
        self.group = group
        (jobs, submit) = AsyncStream.makeStream()
        submit.yield(.bootstrap(generation: generation, alreadyUp: options.alreadyUp))
    }

    /// What each way into the guest did last, such as `hvc0: silent`; for whoever waits for a guest that does not obey.
    public nonisolated var tried: [String] {
        consoleNotes.withLock { notes in notes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" } }
    }

    /// Waits until the guest obeys.
    ///
    /// - Throws: ``GuestShellError/noShell(node:seconds:tried:)`` after `readyTimeout`, or the loss of the guest.
    public nonisolated func waitUntilReady() async throws {
        _ = try await guest()
    }

    nonisolated func guest() async throws -> Guest {
        if let guest = ready.value { return guest }
        return try await withThrowingTaskGroup(of: Guest.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await self.ready.wait() }
            group.addTask {
                try await Task.sleep(for: self.options.readyTimeout)
                throw GuestShellError.noShell(
                    node: self.node, seconds: Double(self.options.readyTimeout.components.seconds), tried: self.tried
                )
            }
            guard let guest = try await group.next() else { throw CancellationError() }
            return guest
        }
    }

    /// Tells the shell that the guest cannot answer: every waiting call ends now, with this cause. After ``GuestLoss/rebooted`` the next commands wait for
    /// the new boot; after ``GuestLoss/paused`` they fail until ``guestResumed()``.
    ///
    /// Returns when the connections are closed, so that whoever resumes a paused guest next does not meet their ends on the way.
    public func guestLost(_ cause: GuestLoss) async {
        if let loss, !loss.mayReturn { return }
        generation += 1
        lossKnown.open(cause)
        let error = GuestShellError.lost(cause, node: node, command: nil)
        abandoned = cause == .paused ? workers.values.map(\.pid) : []
        let dropped = dropConnections(error)
        if cause == .rebooted {
            loss = nil
            ready.close()
            submit.yield(.bootstrap(generation: generation, alreadyUp: false))
        } else {
            loss = cause
            ready.fail(error)
            for connection in dropped { await connection.close() }
        }
    }

    /// Tells the shell that a paused guest runs again. Commands that were running when it stopped are ended in the guest.
    public func guestResumed() {
        guard loss == .paused else { return }
        loss = nil
        ready.close()
        submit.yield(.bootstrap(generation: generation, alreadyUp: true))
    }

    /// Why a channel broke under a command. QEMU's sockets close a moment before its end is known, so a broken channel waits for the cause.
    func cause(of error: GuestShellError) async -> GuestShellError {
        guard case .channelBroken = error else { return error }
        let loss = await withTaskGroup(of: GuestLoss?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try? await self.lossKnown.wait() }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(500))
                return nil
            }
            return await group.next() ?? nil
        }
        return loss.map { .lost($0, node: node, command: nil) } ?? error
    }

    @discardableResult
    private func dropConnections(_ error: GuestShellError) -> [PortConnection] {
        let dropped = connections
        for connection in dropped { connection.end(error) }
        (idle, workers, starting, pairs, freePairs, heldPairs, consoles, connections) = ([], [:], [], [:], [], [], [:], [])
        return dropped
    }

    func close() {
        generation += 1
        loss = .closed
        let error = GuestShellError.lost(.closed, node: node, command: nil)
        dropConnections(error)
        ready.fail(error)
        submit.finish()
    }

    // MARK: Background work

    /// Bootstraps the guest whenever that is needed and cleans up after cancelled commands, until the shell is closed.
    func serve() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                group.addTask {
                    switch job {
                    case .bootstrap(let generation, let alreadyUp): await self.bootstrap(generation: generation, alreadyUp: alreadyUp)
                    case .settle(let worker, let guest): await self.settle(worker, guest)
                    case .drop(let worker, let pair, let guest):
                        await self.drop(worker, guest)
                        await self.returnPair(pair)
                    }
                }
            }
            group.cancelAll()
        }
    }

    /// The control shell ended though the guest runs: reach it anew. Several callers may notice at once; the first one counts.
    func controlLost(_ guest: Guest) {
        guard guest.generation == generation, loss == nil, ready.value?.control === guest.control else { return }
        generation += 1
        abandoned = workers.values.map(\.pid)
        dropConnections(.channelBroken(node: node, detail: "the control shell ended"))
        ready.close()
        submit.yield(.bootstrap(generation: generation, alreadyUp: true))
    }

    private func settle(_ worker: Worker, _ guest: Guest) async {
        do {
            try await worker.settle(control: guest.control, limit: .seconds(20))
            giveBack(worker, guest)
        } catch {
            await drop(worker, guest)
        }
        if let pair = worker.pair { returnPair(pair) }
        slots.release()
    }

    // MARK: Workers

    /// An idle worker, or a new one.
    func takeWorker(_ guest: Guest) async throws -> Worker {
        if let worker = idle.popLast() { return worker }
        guard let index = (0..<PortNames.workerCount).first(where: { workers[$0] == nil && !starting.contains($0) }) else {
            throw GuestShellError.channelBroken(node: node, detail: "every worker port is held by a worker that could not be ended")
        }
        starting.insert(index)
        defer { starting.remove(index) }
        let worker = try await startWorker(index, guest)
        try requireCurrent(guest.generation)
        workers[index] = worker
        return worker
    }

    func giveBack(_ worker: Worker, _ guest: Guest) {
        guard guest.generation == generation, workers[worker.index] === worker else { return }
        idle.append(worker)
    }

    /// Ends a worker that can no longer be trusted, and what it runs.
    func drop(_ worker: Worker, _ guest: Guest) async {
        guard guest.generation == generation, workers[worker.index] === worker else { return }
        worker.end(nil)
        try? await guest.control.reap(session: worker.pid, groups: false)
        guard guest.generation == generation else { return }
        workers[worker.index] = nil
    }

    /// Has the background service end what a cancelled command left running, then returns the worker, its pair and its permit of ``slots``.
    func settleLater(_ worker: Worker, _ guest: Guest) {
        submit.yield(.settle(worker, guest))
    }

    /// Has the background service end a worker that kept a pair, then returns the pair; also when the calling task is cancelled.
    func dropLater(_ worker: Worker, _ pair: OutputPair, _ guest: Guest) {
        submit.yield(.drop(worker, pair, guest))
    }

    /// How long a worker may take to start, and QEMU to take a client; either takes a tenth of a second under TCG, so this bounds only what would hang.
    private static let startLimit = Duration.seconds(60)

    private func startWorker(_ index: Int, _ guest: Guest) async throws -> Worker {
        let name = PortNames.worker(index)
        let epoch = Mark.random()
        let port = LinePort(try await connectPort(name, guest.generation))
        let worker = Worker(index: index, node: node, port: port, epoch: epoch, isBash: guest.isBash)
        do {
            try await guest.control.call(
                "vstart \(try device(name, guest)) \(guest.shell) \(epoch.text) \(ShellQuoting.quote(GuestScripts.loader))"
            )
            try await withLimit(Self.startLimit, orThrow: .channelBroken(node: node, detail: "a worker shell did not start")) {
                try await worker.load()
            }
        } catch {
            worker.end(error)
            throw error
        }
        return worker
    }

    func connectPort(_ name: String, _ generation: Int) async throws -> PortConnection {
        guard let path = endpoints.ports[name] else {
            throw GuestShellError.channelBroken(node: node, detail: "the machine has no port \(name)")
        }
        return try await connect(path, generation)
    }

    /// Connects a socket of the guest of this generation. When that guest is lost, the connection ends, whoever has it.
    func connect(_ path: String, _ generation: Int) async throws -> PortConnection {
        let connection = try await connectPatiently(path, generation)
        do { try requireCurrent(generation) } catch {
            connection.end(error)
            throw error
        }
        connections.removeAll(where: \.isClosed)
        connections.append(connection)
        return connection
    }

    /// Connects; waits while QEMU has not yet seen that earlier clients left, and its queue of clients is full: EAGAIN of connect(2) on a unix socket.
    private func connectPatiently(_ path: String, _ generation: Int) async throws -> PortConnection {
        let deadline = ContinuousClock.now + Self.startLimit
        while true {
            try requireCurrent(generation)
            do {
                return try await PortConnection.connect(path: path, group: group)
            } catch let error as IOError where error.errnoCode == EAGAIN {
                guard ContinuousClock.now < deadline else {
                    throw GuestShellError.channelBroken(node: node, detail: "QEMU takes no client at \(path): its queue of clients is full")
                }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// - Throws: ``GuestShellError/channelBroken(node:detail:)`` when the guest of this generation is lost.
    func requireCurrent(_ generation: Int) throws {
        guard generation == self.generation else {
            throw GuestShellError.channelBroken(node: node, detail: "the guest was lost meanwhile")
        }
    }

    func device(_ name: String, _ guest: Guest) throws -> String {
        guard let device = guest.devices[name] else {
            throw GuestShellError.channelBroken(node: node, detail: "the guest does not see the port \(name)")
        }
        return device
    }
}
