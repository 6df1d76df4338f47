import GuestShell
public import LabEvents

extension Owner {
    /// How long the phases that come at the end whatever happened may take.
    private static let concludingBudget = Budget("always", .seconds(120))
    /// How long they may go on after somebody asked for the end of the run; what is left of its time is for the machines.
    private static let concludingAfterStop = Duration.milliseconds(2000)

    /// Does the phases of the scenario and records what the run came to.
    ///
    /// - Returns: whether the lab was taken from the run, and stays for whoever took it.
    func execute(_ lab: Lab) async throws -> Bool {
        let session = PhaseSession(scenario.outline, request.phases, events: log)
        return try await state.executing(session) {
            var failure: (any Error)?
            var dropped: Problem?
            var capture: String?
            do {
                capture = try await lab.beginCapture(request.phases)
                try await state.stoppable {
                    try await self.limited(lab, session) { try await lab.guarded { try await self.scenario.execute(lab, session) } }
                }
            } catch {
                failure = error
            }
            if let failed = failure, request.phases.pauseOnFailure, state.stop.value == nil, !(failed is PhaseSession.Left) {
                let problem = Problem(of: failed)
                if !result.hasReported(problem) { log.problem(problem) }
                await lab.gatherEvidence()
                do {
                    let phase = session.lastFailed ?? ""
                    try await state.stoppable { try await session.pause(at: phase, because: "'\(phase)' failed") }
                } catch is PhaseSession.Left {
                    conclude(failed)
                    return true
                } catch StopReason.request {
                    // Whoever drops a failed run does not make it an interrupted one.
                    dropped = problem
                } catch {
                    failure = error
                }
            }
            if let left = failure as? PhaseSession.Left {
                await lab.gatherEvidence()
                let taken = StopReason.request("the lab was taken over while the run waited at '\(left.phase)'")
                conclude(taken)
                return true
            }
            do { try await conclude(lab, session) } catch { failure = failure ?? error }
            // Whoever wants the end has no time for it; the lab's end finishes it as far as that goes.
            if let capture, state.stop.value == nil { _ = try? await lab.stopCapture(capture) }
            await lab.gatherEvidence()
            if let dropped { fail(dropped) } else if let failure { conclude(failure) } else { finish(.passed, exitCode: 0, cause: nil) }
            return false
        }
    }

    /// Does the phases that come at the end. The task that does this is not the one that was stopped or failed.
    private func conclude(_ lab: Lab, _ session: PhaseSession) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await self.scenario.conclude(lab, session) }
            group.addTask {
                try await Task.sleep(for: lab.budget(Self.concludingBudget).scaled(by: lab.pace))
                throw Problem(.failure, "the phases at the end took too long", why: "they have \(Self.concludingBudget.limit.seconds) s")
            }
            group.addTask {
                let reason = try await state.stop.wait()
                try await Task.sleep(for: Self.concludingAfterStop)
                throw reason
            }
            _ = try await group.next()
        }
    }

    /// Runs `body` for at most `--timeout`, or the scenario's own limit. Time in which the run waits for somebody does not count.
    private func limited(_ lab: Lab, _ session: PhaseSession, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let own = scenario.budgets.last { $0.name == "scenario" }
        guard let limit = request.timeout.map({ Duration.seconds($0) }) ?? own?.scaled(by: lab.pace) else { return try await body() }
        let begin = ContinuousClock.now
        let name = request.timeout == nil ? "its budget" : "--timeout"
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                while case let left = limit + session.pausedTime - begin.duration(to: .now), left > .zero || session.pausedAt != nil {
                    try await Task.sleep(for: max(left, .milliseconds(100)))
                }
                throw Problem(
                    .failure, "the scenario took longer than \(name) allows", why: "\(limit.seconds.rounded(to: 1)) s have passed",
                    remedy: "the last phase or step that started is the one that hangs; `vmlab events RUN` shows it")
            }
            _ = try await group.next()
        }
    }

    private func fail(_ problem: Problem) {
        finish(problem.kind == .failure ? .failed : .notRun, exitCode: problem.exitCode, cause: problem.what)
    }
}

extension Problem {
    /// The problem that an error is.
    public init(of error: any Error) {
        self = (error as? Problem) ?? (error as? GuestShellError)?.problem ?? Problem(.failure, "\(error)")
    }
}
