import FoundationEssentials
import GuestShell
import LabEvents
import SystemPackage

extension ControlSession {
    func node(_ request: ControlRequest) throws -> Node {
        guard let lab = owner.lab else {
            throw Problem(.failure, "the lab is \(owner.state.rawValue)", why: "it has no nodes now", remedy: "try again when it runs")
        }
        if let name = request.node { return try lab.node(name) }
        guard let only = lab.nodes.first, lab.nodes.count == 1 else {
            throw Problem(.invalidInput, "name a node", why: "the lab has \(lab.nodes.map(\.name).joined(separator: ", "))")
        }
        return only
    }

    func execute(_ request: ControlRequest, _ input: ClientInput) async throws -> ControlReply {
        let node = try node(request)
        for (name, value) in request.secrets ?? [:] { try owner.lab?.secrets.add(secret: value, name: name) }
        var command = CommandRequest(
            request.command ?? "", timeout: request.timeout.map { .seconds($0) },
            environment: (request.environment ?? [:]).merging(request.secrets ?? [:]) { $1 },
            directory: request.directory, captureLimit: 2048
        ) { [self] piece in try await send(request.id, piece.stream.rawValue, piece.bytes) }
        if request.stdin == true { command.stdin = .pieces { [self] in try await take(request.id, input) } }
        let chosen = command
        let result = try await cancellable(input) { try await node.execute(chosen) }
        return ending(result.outcome, request.id, result.duration.seconds)
    }

    func terminal(_ request: ControlRequest, _ input: ClientInput) async throws -> ControlReply {
        let shell = try node(request).machine().shell
        let client = TerminalClient(
            size: TerminalSize(columns: request.columns ?? 80, rows: request.rows ?? 24), type: request.term ?? "vt100",
            resizes: input.sizes,
            input: { [self] in try await take(request.id, input) },
            output: { [self] bytes in try await send(request.id, "stdout", bytes) })
        let begin = ContinuousClock.now
        let outcome = try await cancellable(input) { try await shell.terminal(request.command, client: client) }
        return ending(outcome, request.id, begin.duration(to: .now).seconds)
    }

    func transfer(_ request: ControlRequest) async throws -> ControlReply {
        let shell = try node(request).machine().shell
        guard let local = request.local, local.hasPrefix("/"), let path = request.path, path.hasPrefix("/") else {
            throw Problem(
                .invalidInput, "a transfer needs two absolute paths", why: "local '\(request.local ?? "")', path '\(request.path ?? "")'")
        }
        let moved =
            request.op == .upload
            ? try await shell.upload(FilePath(local), to: path, mode: request.mode)
            : try await shell.download(path, to: FilePath(local))
        var reply = ControlReply(.result, id: request.id)
        reply.bytes = moved.bytes
        reply.digest = moved.sha256
        reply.seconds = moved.duration.seconds.rounded(to: 3)
        return reply
    }

    func power(_ request: ControlRequest) async throws -> ControlReply {
        let node = try node(request)
        switch request.action {
        case "start":
            try await node.start()
            try await node.waitForShell()
        case "shutdown": try await node.shutdown()
        case "powerCut": try await node.powerCut()
        case "reboot": try await node.reboot()
        case "pause": try await node.pause()
        case "resume": try await node.resume()
        default:
            throw Problem(
                .invalidInput, "there is no action '\(request.action ?? "")'",
                remedy: "one of start, shutdown, powerCut, reboot, pause, resume")
        }
        return ControlReply(.result, id: request.id)
    }

    func send(_ id: Int, _ stream: String, _ bytes: [UInt8]) async throws {
        // A line has a limit, and base64 makes four bytes of three.
        var rest = bytes[...]
        while !rest.isEmpty {
            var reply = ControlReply(.output, id: id)
            reply.stream = stream
            reply.data = Data(rest.prefix(192 << 10)).base64EncodedString()
            try await self.reply(reply)
            rest = rest.dropFirst(192 << 10)
        }
    }

    private func take(_ id: Int, _ input: ClientInput) async throws -> [UInt8]? {
        guard let bytes = await input.next() else { return nil }
        try await reply(ControlReply(.taken, id: id))
        return bytes
    }

    private func ending(_ outcome: CommandResult.Outcome, _ id: Int, _ seconds: Double) -> ControlReply {
        var reply = ControlReply(.result, id: id)
        switch outcome {
        case .exited(let status): reply.exit = status
        case .signalled(let signal): reply.signal = signal
        case .timedOut: reply.timedOut = true
        }
        reply.seconds = seconds.rounded(to: 3)
        return reply
    }

    /// Runs `body` until the client wants its end.
    func cancellable<Result: Sendable>(
        _ input: ClientInput, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                _ = try await input.cancelled.wait()
                throw Problem(.failure, "ended by the client")
            }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}
