import Synchronization

extension GuestShell {
    /// How long a command waits for an output port when background children hold all of them.
    private static let heldPatience = Duration.seconds(10)

    /// Runs a command in the guest.
    ///
    /// - Parameters:
    ///   - command: a script for bash where the guest has it, else for its `sh`; it starts in `/` with root's login environment.
    ///   - timeout: after it the command's process group gets SIGTERM and half a second later SIGKILL; the result says so. Nil: no limit.
    ///   - environment: variables to add.
    ///   - directory: where to start.
    ///   - stdin: standard input; /dev/null by default.
    /// - Returns: status or signal, both streams byte for byte, the wall time.
    /// - Throws: ``GuestShellError`` when the guest cannot answer; `CancellationError` when the task was cancelled, after which the command's processes
    ///   are ended in the background.
    public func execute(
        _ command: String, timeout: Duration? = nil, environment: [String: String] = [:], directory: String? = nil,
        stdin: GuestInput = .none
    ) async throws -> CommandResult {
        try await execute(
            CommandRequest(command, timeout: timeout, environment: environment, directory: directory, stdin: stdin)
        )
    }

    /// Runs a command in the guest; see ``execute(_:timeout:environment:directory:stdin:)``.
    public func execute(_ request: CommandRequest) async throws -> CommandResult {
        let script = try ShellQuoting.script(request, node: node)
        do {
            return try await withSlot { try await attempt(request, script) }
        } catch let error as GuestShellError {
            let error = await cause(of: error)
            guard case .lost(let loss, let node, nil) = error else { throw error }
            throw GuestShellError.lost(loss, node: node, command: request.command)
        }
    }

    /// The error of a command whose worker is still to be settled.
    private struct Unsettled: Error {
        var error: any Error
    }

    /// Runs `body` with a permit for a worker, which the worker keeps while it is being settled: else more commands than workers would be let in.
    private func withSlot<Result>(_ body: () async throws -> Result) async throws -> Result {
        guard await slots.acquire() else { throw CancellationError() }
        do {
            let result = try await body()
            slots.release()
            return result
        } catch let unsettled as Unsettled {
            throw unsettled.error
        } catch {
            slots.release()
            throw error
        }
    }

    /// Runs the command, on another pair of ports or another worker where the first was found unusable before the command began.
    private func attempt(_ request: CommandRequest, _ script: String) async throws -> CommandResult {
        var busySince: ContinuousClock.Instant?
        while true {
            let guest = try await guest()
            let worker: Worker
            do {
                worker = try await takeWorker(guest)
            } catch let error as GuestShellError {
                // The control shell may have been killed by a command; the guest itself is alive, or its loss would have been named.
                guard case .channelBroken = error, busySince == nil else { throw error }
                busySince = .now
                controlLost(guest)
                continue
            }
            let pair: OutputPair
            if busySince == nil { probeHeldPair(with: worker) }
            do {
                pair = try await takePair(for: worker, guest)
            } catch {
                giveBack(worker, guest)
                throw error
            }
            switch try await run(request, script, on: worker, pair, guest) {
            case .result(let result): return result
            case .busy:
                let since = busySince ?? .now
                busySince = since
                guard !heldPairs.isEmpty, heldPairs.count == pairs.count else { continue }
                guard since.duration(to: .now) < Self.heldPatience else {
                    retryHeldPair()
                    throw GuestShellError.channelBroken(
                        node: node,
                        detail:
                            "background processes of earlier commands hold every output port; start such processes with their output redirected"
                    )
                }
                try await Task.sleep(for: .milliseconds(100))
                retryHeldPair()
            }
        }
    }

    private enum Attempt {
        case result(CommandResult)
        case busy
    }

    /// One run on one worker and pair; returns both to their pools, or has the background service do so.
    private func run(_ request: CommandRequest, _ script: String, on worker: Worker, _ pair: OutputPair, _ guest: Guest) async throws
        -> Attempt
    {
        let spooled = heldPairs.count >= Self.heldLimit
        let sinks = (
            out: OutputSink(stream: .stdout, request: request, node: node), err: OutputSink(stream: .stderr, request: request, node: node)
        )
        let start = ContinuousClock.now
        do {
            let end = try await withInput(request.stdin, guest) { input in
                try await worker.run(
                    spooled ? ShellQuoting.spooled(script) : script, timeout: request.timeout, input: input, sinks: sinks,
                    control: guest.control
                )
            }
            giveBack(worker, guest)
            let outcome: CommandResult.Outcome
            switch end {
            case .busy(.output):
                hold(pair, of: worker)
                return .busy
            case .busy(.input):
                returnPair(pair)
                throw GuestShellError.channelBroken(
                    node: node, detail: "a background process of an earlier command reads its standard input and holds the input port"
                )
            case .died(let status):
                returnPair(pair)
                outcome = status > 128 ? .signalled(status - 128) : .exited(status)
            case .finished(_, timedOut: true) where request.timeout != nil:
                returnPair(pair)
                outcome = .timedOut(after: request.timeout ?? .zero)
            case .finished(let trailer, _):
                returnPair(pair)
                outcome = trailer.signalled ? .signalled(trailer.status - 128) : .exited(trailer.status)
            }
            return .result(
                CommandResult(
                    command: request.command, outcome: outcome, stdout: sinks.out.finish(), stderr: sinks.err.finish(),
                    duration: start.duration(to: .now)
                )
            )
        } catch let error as GuestShellError {
            await drop(worker, guest)
            if case .lost = error {} else { returnPair(pair) }
            throw error
        } catch {
            // Cancelled, or the caller's own closure threw: the command still runs in the guest.
            settleLater(worker, guest)
            throw Unsettled(error: error)
        }
    }

    /// Connects an input port for a command that has standard input.
    private func withInput<Result>(
        _ source: GuestInput, _ guest: Guest, _ body: (CommandInput?) async throws -> Result
    ) async throws -> Result {
        if case .none = source { return try await body(nil) }
        return try await inputSlots.withPermit {
            let index = freeInputs.removeFirst()
            defer { freeInputs.append(index) }
            let name = PortNames.input(index)
            let connection = try await connectPort(name, guest.generation)
            let input = CommandInput(device: try device(name, guest), source: source, connection: connection)
            do {
                let result = try await body(input)
                await input.close()
                return result
            } catch {
                await input.close()
                throw error
            }
        }
    }
}
