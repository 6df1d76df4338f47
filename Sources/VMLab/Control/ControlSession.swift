import FoundationEssentials
import GuestShell
import LabEvents
import NIOCore
import QEMU
import Synchronization

/// One client's connection, on the owner's side.
final class ControlSession: Sendable {
    let owner: OwnerState
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let open = Mutex<[Int: ClientInput]>([:])

    private init(owner: OwnerState, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        (self.owner, self.outbound) = (owner, outbound)
    }

    /// Serves a client until it is gone; what runs for it then ends.
    static func serve(_ channel: LineChannel.Channel, _ owner: OwnerState) async {
        let isViewer = Mutex(false)
        // A connection that breaks is a client that left.
        try? await channel.executeThenClose { inbound, outbound in
            let session = ControlSession(owner: owner, outbound: outbound)
            try await session.reply(session.hello)
            try await withThrowingDiscardingTaskGroup { group in
                defer { group.cancelAll() }
                var lines = LineSource(inbound)
                while let line = try await lines.next() {
                    let request: ControlRequest
                    do {
                        request = try line.request()
                    } catch {
                        let problem = Problem(.invalidInput, "the request cannot be read", why: "\(error)")
                        try await session.fail(0, problem)
                        continue
                    }
                    if request.op == .view { isViewer.withLock { $0 = true } }
                    if session.takesInput(request) { continue }
                    // Before the next line is read: input for it may follow at once.
                    let input = session.register(request)
                    group.addTask { await session.answer(request, input) }
                }
            }
        }
        if isViewer.withLock({ $0 }) { owner.viewerLeft() }
    }

    private var hello: ControlReply {
        var reply = ControlReply(.hello, id: 0)
        reply.protocol = ControlRequest.protocolVersion
        reply.run = owner.run.identifier
        reply.pid = ProcessInfo.processInfo.processIdentifier
        reply.build = Build.identifier
        reply.state = owner.state
        return reply
    }

    func reply(_ reply: ControlReply) async throws { try await outbound.write(try LineChannel.line(reply)) }

    private func fail(_ id: Int, _ problem: Problem) async throws {
        var reply = ControlReply(.error, id: id)
        reply.problem = problem
        try await self.reply(reply)
    }

    // MARK: Requests under way

    private func register(_ request: ControlRequest) -> ClientInput? {
        guard [.execute, .terminal, .call].contains(request.op) else { return nil }
        let input = ClientInput()
        if request.op == .execute, request.stdin != true { input.end() }
        open.withLock { $0[request.id] = input }
        return input
    }

    /// Takes a request that belongs to another one.
    private func takesInput(_ request: ControlRequest) -> Bool {
        let input = open.withLock { $0[request.id] }
        switch request.op {
        case .input:
            if let data = request.data.flatMap({ Data(base64Encoded: $0) }) { input?.put(Array(data)) } else { input?.end() }
        case .resize: input?.resize(TerminalSize(columns: request.columns ?? 80, rows: request.rows ?? 24))
        case .cancel: input?.cancel()
        default: return false
        }
        return true
    }

    private func answer(_ request: ControlRequest, _ input: ClientInput?) async {
        defer { if input != nil { open.withLock { $0[request.id] = nil } } }
        do {
            try await reply(try await result(of: request, input))
        } catch {
            let problem =
                (error as? Problem) ?? (error as? GuestShellError)?.problem ?? Problem(.failure, "\(request.op.rawValue): \(error)")
            try? await fail(request.id, problem)
        }
    }

    private func result(of request: ControlRequest, _ input: ClientInput?) async throws -> ControlReply {
        switch request.op {
        case .status: return status(request)
        case .events, .view: return try await events(request)
        case .detach:
            owner.viewerMayLeave()
            return ControlReply(.result, id: request.id)
        case .stop:
            owner.end(
                request.signal.map { .signal($0, to: request.reason ?? "the viewer") }
                    ?? .request(request.reason ?? "a client asked for it"))
            return ControlReply(.result, id: request.id)
        case .execute: return try await owner.serving { try await execute(request, input ?? ClientInput()) }
        case .terminal: return try await owner.serving { try await terminal(request, input ?? ClientInput()) }
        case .upload, .download: return try await owner.serving { try await transfer(request) }
        case .power: return try await owner.serving { try await power(request) }
        case .call: return try await owner.serving { try await call(request, input ?? ClientInput()) }
        case .network: return try await owner.serving { try await network(request) }
        case .fault: return try await owner.serving { try await fault(request) }
        case .capture: return try await owner.serving { try await capture(request) }
        case .phase: return try await phase(request)
        case .takeover:
            guard let executable = request.executable, executable.hasPrefix("/") else {
                throw Problem(.invalidInput, "takeover needs the absolute path of an executable")
            }
            return try await takeover(request, executable)
        case .input, .resize, .cancel: return ControlReply(.result, id: request.id)
        }
    }

    private func status(_ request: ControlRequest) -> ControlReply {
        var reply = ControlReply(.result, id: request.id)
        reply.run = owner.run.identifier
        reply.state = owner.state
        reply.scenario = owner.request.scenario
        reply.outcome = owner.finished
        reply.pausedAt = owner.paused?.pausedAt
        reply.nodes = owner.lab?.nodes.map { node in
            let guest = try? node.machine().guest
            return ControlReply.NodeStatus(
                name: node.name, state: node.state, boot: node.boot, pid: guest?.process.pid, console: guest?.console.socketPath)
        }
        return reply
    }

    private func events(_ request: ControlRequest) async throws -> ControlReply {
        try await owner.reading {
            if request.op == .view { owner.viewerCame() }
            for await event in owner.log.subscribe(from: request.from ?? 1, includingConsole: request.console ?? false) {
                var reply = ControlReply(.event, id: request.id)
                reply.event = event
                try await self.reply(reply)
                if request.follow == false, event.sequence >= owner.log.lastSequence { break }
            }
        }
        return ControlReply(.result, id: request.id)
    }

    private func takeover(_ request: ControlRequest, _ executable: String) async throws -> ControlReply {
        try await OwnerProcess.check(executable, run: owner.run)
        // A paused run ends where it is, and its lab stays.
        if owner.leavePauses() { try await owner.settled(atMost: .seconds(request.timeout ?? 30)) }
        guard owner.state == .kept else {
            throw Problem(
                .busy, "the lab cannot be taken over now", why: "it is \(owner.state.rawValue); only a kept lab can be",
                remedy: "wait until its scenario has ended")
        }
        try await owner.drain(atMost: .seconds(request.timeout ?? 30))
        owner.handoverRefusal.close()
        owner.handover.open(executable)
        // The connection ends with the exec, and the client sees the new owner's greeting. Only a failure is answered.
        throw try await owner.handoverRefusal.wait()
    }
}

/// What a client sends for one request: pieces of input, sizes, the wish to end.
final class ClientInput: Sendable {
    private let pieces: AsyncStream<[UInt8]>
    private let piece: AsyncStream<[UInt8]>.Continuation
    let sizes: AsyncStream<TerminalSize>
    private let size: AsyncStream<TerminalSize>.Continuation
    let cancelled = Gate<Void>()

    init() {
        (pieces, piece) = AsyncStream.makeStream()
        (sizes, size) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func put(_ bytes: [UInt8]) { piece.yield(bytes) }
    func end() { piece.finish() }
    func resize(_ to: TerminalSize) { size.yield(to) }
    func cancel() { cancelled.open(()) }

    /// The next piece; nil at the end.
    func next() async -> [UInt8]? {
        for await bytes in pieces { return bytes }
        return nil
    }
}
