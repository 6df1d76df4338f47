import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// Asks the owner of a lab for phases and shows what comes of it.
struct PhaseClient: Sendable {
    let run: RunDirectory
    let json: Bool
    let verbose: Bool

    private struct Report: Encodable {
        var run: String
        var verdict: Verdict?
        var pausedAt: String?
        var problem: Problem?
    }

    /// Runs phases.
    ///
    /// - Parameter scenario: whose phases are meant; nil for the run's own.
    func run(_ phases: PhaseRequest, of scenario: Scenario?, signals: AsyncStream<Int32>) async throws {
        var request = ControlRequest(.phase)
        (request.action, request.phases) = ("run", phases)
        try await ask(request, scenario, signals)
    }

    /// Asks for `next` or `continue`.
    func ask(_ action: String, signals: AsyncStream<Int32>) async throws {
        var request = ControlRequest(.phase)
        request.action = action
        try await ask(request, nil, signals)
    }

    private func ask(_ request: ControlRequest, _ scenario: Scenario?, _ signals: AsyncStream<Int32>) async throws {
        let display = Display(json: json, verbose: verbose, run: run)
        var numbered = request
        numbered.console = display.wantsConsole
        let chosen = numbered
        let result: Result<ControlReply, any Error> = await withTaskGroup(of: Result<ControlReply, any Error>?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                await display.keepFresh()
                return nil
            }
            group.addTask {
                for await signal in signals { return .failure(Interruption(signal: signal)) }
                return nil
            }
            group.addTask {
                do {
                    return .success(
                        try await ControlClient.with(self.run) { client in
                            if let scenario { try await self.check(scenario, client) }
                            let suggestion = try await client.suggestion(self.run)
                            return try await client.call(chosen) { reply in
                                guard let event = reply.event else { return }
                                display.show(event)
                                if case .lab(let change) = event.kind, change.state == .paused {
                                    display.say(suggestion.paused)
                                }
                            }
                        })
                } catch {
                    return .failure(error)
                }
            }
            for await result in group { if let result { return result } }
            return .failure(CancellationError())
        }
        display.finish()
        let reply: ControlReply
        switch result {
        case .success(let success): reply = success
        case .failure(let interruption as Interruption):
            Terminal.error("ended by \(interruption.name); the lab stays\n  drop: \(Suggestion(run: run).drop)")
            throw ExitCode(128 + interruption.signal)
        case .failure(let error): throw error
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let report = Report(run: run.identifier, verdict: reply.verdict, pausedAt: reply.pausedAt, problem: reply.problem)
            Terminal.print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else if let paused = reply.pausedAt {
            Terminal.print("paused at '\(paused)'")
        } else if let verdict = reply.verdict {
            if let problem = reply.problem { Terminal.error(problem.description) }
            Terminal.print(verdict.words)
        }
        let code = reply.problem?.exitCode ?? reply.outcome?.exitCode ?? reply.verdict?.exitCode ?? 0
        if code != 0 { throw ExitCode(code) }
    }

    /// Makes sure that the phases which will run are those that are meant.
    private func check(_ scenario: Scenario, _ client: ControlClient) async throws {
        let own = try await client.call(ControlRequest(.status)).scenario ?? ""
        guard own == scenario.name else {
            throw Problem(.invalidInput, "run \(run.identifier) is of the scenario '\(own)'", why: "'\(scenario.name)' was asked for")
        }
        guard client.hello.build == Build.identifier else {
            throw Problem(
                .invalidInput, "the lab is owned by another build", why: "its phases are those of build \(client.hello.build ?? "unknown")",
                remedy:
                    "`vmlab takeover \(run.identifier) --from PHASE` makes this one its owner and runs its phases; `vmlab phase run` runs the owner's"
            )
        }
    }
}
