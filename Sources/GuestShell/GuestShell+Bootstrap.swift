import NIOCore
import Synchronization

extension GuestShell {
    /// Connects the consoles and the agent's port, so that nothing they say is missed.
    func connectConsoles(generation: Int) async throws {
        var paths = ["hvc0": endpoints.backdoor, "agent": endpoints.agent]
        paths["ttyS0"] = endpoints.serial?()
        for (name, path) in paths {
            guard let path, consoles[name] == nil else { continue }
            consoles[name] = try await connect(path, generation)
        }
    }

    /// Reaches the guest by whichever console answers first, and makes it ready for commands. Guests may be lost faster than they are reached: firmware
    /// resets twice, a shell of a guest that is going down still answers. So whatever is waited for here ends when the guest of this generation is lost.
    func bootstrap(generation: Int, alreadyUp: Bool) async {
        do {
            try await connectConsoles(generation: generation)
            let port = LinePort(try await connectPort(PortNames.control, generation))
            do {
                try await reachShell(alreadyUp: alreadyUp)
                try await prepare(ControlShell(port: port, node: node), port: port, generation: generation, alreadyUp: alreadyUp)
            } catch {
                port.connection.end(error)
                throw error
            }
            // A console that is connected and not read would lose output, also from QEMU's log of it.
            for console in consoles.values { console.end(nil) }
            consoles = [:]
        } catch let error as GuestShellError {
            fail(error, generation)
        } catch {
            if !(error is CancellationError) { fail(.channelBroken(node: node, detail: "\(error)"), generation) }
        }
    }

    private func fail(_ error: GuestShellError, _ generation: Int) {
        guard generation == self.generation else { return }
        // It is this boot's own failure: what ended the boot before it explains nothing any more.
        lossKnown.close()
        ready.fail(error)
    }

    private func reachShell(alreadyUp: Bool) async throws {
        let consoles = consoles
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for (name, connection) in consoles {
                let note: @Sendable (String) -> Void = { text in self.consoleNotes.withLock { $0[name] = text } }
                note("silent")
                group.addTask { [endpoints] in
                    switch name {
                    case "agent": try await AgentBootstrap(connection: connection).run()
                    default:
                        let kind: ConsoleBootstrap.Kind = name == "hvc0" ? .backdoor : .serial(endpoints.login)
                        try await ConsoleBootstrap(kind: kind, connection: connection, askAtOnce: alreadyUp, note: note).run()
                    }
                }
            }
            var failures: [any Error] = []
            while let result = await group.nextResult() {
                switch result {
                case .success: return
                case .failure(let error): failures.append(error)
                }
            }
            throw failures.first { $0 is GuestShellError } ?? GuestShellError.channelBroken(node: node, detail: Self.describe(failures))
        }
    }

    private static func describe(_ failures: [any Error]) -> String {
        guard !failures.isEmpty else { return "the machine has neither a backdoor console, nor a serial console, nor an agent" }
        return failures.map { failure in
            switch failure {
            case let refused as ConsoleBootstrap.Refused: refused.reason
            case is ConsoleBootstrap.Ended: "QEMU closed the console"
            default: "\(failure)"
            }
        }.joined(separator: "; ")
    }

    /// Connects each output port and closes it again.
    ///
    /// When the guest writes to a port in the moment in which its client leaves, QEMU closes the port first and throttles it then (chardev/char-socket.c,
    /// `tcp_chr_write`; hw/char/virtio-console.c, `flush_buf`). It stays so for the next client, whom nothing would ever reach; only the end of a client
    /// lifts it. Between the waves the guest takes its control messages, since QEMU drops those that find no buffer.
    private func releaseThrottledPorts(_ control: ControlShell, _ devices: [String: String], _ generation: Int) async throws {
        let pairs = try await connectPairs(devices, generation)
        _ = try await control.call("vports")
        for pair in pairs {
            await pair.stdout.connection.close()
            await pair.stderr.connection.close()
        }
        _ = try await control.call("vports")
    }

    /// The guest's device of each port. A guest hears of its ports one by one, and a console may obey before it has heard of the last: waits for that.
    ///
    /// - Throws: ``GuestShellError/channelBroken(node:detail:)`` with the ports that did not come in `readyTimeout`.
    private func devices(_ control: ControlShell) async throws -> [String: String] {
        let deadline = ContinuousClock.now + options.readyTimeout
        while true {
            let devices = try await control.call("vports").reduce(into: [String: String]()) { devices, line in
                let words = line.split(separator: " ")
                if words.count == 3, words[0] == "port" { devices[String(words[1])] = String(words[2]) }
            }
            let missing = endpoints.ports.keys.filter { devices[$0] == nil }.sorted()
            if missing.isEmpty { return devices }
            let detail = "the guest does not see the ports \(missing.joined(separator: ", "))"
            consoleNotes.withLock { $0["ports"] = detail }
            guard ContinuousClock.now < deadline else { throw GuestShellError.channelBroken(node: node, detail: detail) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Synchronises with the control shell, tells it what it must know, and opens the gate for commands.
    private func prepare(_ control: ControlShell, port: LinePort, generation: Int, alreadyUp: Bool) async throws {
        let mark = Mark.random()
        try await port.send("\nprintf 'sync %s\\n' \(mark.text)\n")
        while let line = try await port.line(), line != "sync \(mark.text)" {}
        try await port.send(GuestScripts.control)
        let devices = try await devices(control)
        var shell = "sh"
        if options.shell == .automatic, try await control.call("command -v bash >/dev/null && echo yes").contains("yes") { shell = "bash" }
        for worker in abandoned { try await control.call("vreap \(worker) all") }
        if alreadyUp { try await releaseThrottledPorts(control, devices, generation) }
        let pairs = try await connectPairs(devices, generation)
        try requireCurrent(generation)
        abandoned = []
        lossKnown.close()
        self.pairs = Dictionary(uniqueKeysWithValues: pairs.map { ($0.index, $0) })
        freePairs = []
        freeInputs = Array(0..<PortNames.inputCount)
        freePermits.reset()
        for pair in pairs { returnPair(pair) }
        ready.open(Guest(control: control, devices: devices, shell: shell, generation: generation))
    }
}
