import GuestShell
import LabEvents

extension ControlSession {
    /// What is asked about the phases of the lab.
    func phase(_ request: ControlRequest) async throws -> ControlReply {
        let outline = owner.scenario.outline
        switch request.action {
        case "list":
            var reply = ControlReply(.result, id: request.id)
            reply.phases = owner.ledger.list(outline)
            reply.scenario = owner.scenario.name
            reply.pausedAt = owner.paused?.pausedAt
            return reply
        case "continue":
            guard let paused = owner.paused else { throw notPaused }
            return try await goOn(request, paused, toNext: false)
        case "next":
            if let paused = owner.paused { return try await goOn(request, paused, toNext: true) }
            while let next = owner.ledger.next(in: outline) {
                let reply = try await run(request, PhaseRequest(only: next.path))
                // One that leaves itself out on this lab would stand in the way for ever.
                if reply.verdict == .passed || !owner.ledger.passOver(next.path) { return reply }
            }
            throw Problem(.invalidInput, "no phase is left", why: "the last one of '\(owner.scenario.name)' has passed")
        case "run": return try await run(request, request.phases ?? PhaseRequest())
        default:
            throw Problem(
                .invalidInput, "there is nothing called '\(request.action ?? "")' to do with phases",
                remedy: "one of list, run, next, continue")
        }
    }

    private var notPaused: Problem {
        Problem(
            .invalidInput, "the run is not paused", why: "its lab is \(owner.state.rawValue)",
            remedy: owner.state == .kept ? "`vmlab phase run RUN PHASE` runs a phase on it" : "`vmlab phase list RUN` shows what it does")
    }

    /// Lets a paused execution go on, and follows it until it rests.
    private func goOn(_ request: ControlRequest, _ session: PhaseSession, toNext: Bool) async throws -> ControlReply {
        // What runs beside the paused run would otherwise run beside the run itself.
        if owner.isExecuting { throw owner.executingProblem }
        let isOfTheRun = owner.finished == nil
        var reply = try await following(request) { [notPaused] atRest in
            atRest()
            guard session.goOn(toNext: toNext) else { throw notPaused }
        }
        if let paused = owner.paused?.pausedAt {
            (reply.pausedAt, reply.verdict) = (paused, nil)
        } else if let finished = owner.finished, isOfTheRun {
            (reply.outcome, reply.verdict) = (finished, finished.verdict)
        } else if session.lastFailed != nil {
            reply.verdict = .failed
        }
        return reply
    }

    /// Runs phases on a lab that stays or waits.
    private func run(_ request: ControlRequest, _ wanted: PhaseRequest) async throws -> ControlReply {
        let (owner, scenario) = (owner, owner.scenario)
        let before = owner.state
        guard let lab = owner.lab, before == .kept || before == .paused else {
            throw Problem(
                .busy, "phases cannot be run now", why: "the lab is \(before.rawValue); only one that is kept or paused has time for it",
                remedy: "`--keep` lets a lab stay, `--pause-before PHASE` lets a run wait")
        }
        guard !scenario.outline.isEmpty else {
            throw Problem(
                .invalidInput, "this build knows no phases of '\(scenario.name)'",
                remedy: "take the lab over with one that does: vmlab takeover RUN")
        }
        let session = PhaseSession(scenario.outline, try wanted.resolved(in: scenario.outline), events: owner.log, isAside: true)
        return try await owner.serving {
            try await owner.executing(session) {
                try await following(request) { atRest in
                    // A guest that was lost before may have been started anew.
                    lab.failure.forget()
                    owner.reach(.running, reason: "for a client")
                    var failure: (any Error)?
                    var capture: String?
                    do {
                        capture = try await lab.beginCapture(wanted)
                        try await owner.stoppable { try await lab.guarded { try await scenario.execute(lab, session) } }
                    } catch {
                        failure = error
                    }
                    if wanted.only == nil, !(failure is StopReason), !(failure is CancellationError) {
                        do { try await owner.stoppable { try await scenario.conclude(lab, session) } } catch { failure = failure ?? error }
                    }
                    if let capture, owner.stop.value == nil { _ = try? await lab.stopCapture(capture) }
                    atRest()
                    // Somebody may have asked for the end meanwhile, and then the lab is past this.
                    if owner.stop.value == nil { owner.reach(owner.finished == nil || owner.paused != nil ? before : .kept) }
                    if let failure { throw failure }
                }
            }
        }
    }

    /// Sends the events that come while `body` runs, until the lab rests again.
    ///
    /// - Parameter body: calls its argument when the next rest is the one that is meant; what it throws is the verdict.
    private func following(
        _ request: ControlRequest, _ body: @escaping @Sendable (_ atRest: @escaping @Sendable () -> Void) async throws -> Void
    ) async throws -> ControlReply {
        let first = owner.log.lastSequence + 1
        let (id, console) = (request.id, request.console ?? false)
        let lastRest = Gate<Void>()
        let failure: (any Error)? = try await owner.reading {
            try await withThrowingTaskGroup(of: Outcome?.self) { group in
                defer { group.cancelAll() }
                group.addTask { [self] in
                    for await event in owner.log.subscribe(from: first, includingConsole: console) {
                        var reply = ControlReply(.event, id: id)
                        reply.event = event
                        try await self.reply(reply)
                        if case .lab(let change) = event.kind, change.state.isResting, lastRest.value != nil { break }
                    }
                    return nil
                }
                group.addTask {
                    do { try await body { lastRest.open(()) } } catch { return Outcome(failure: error) }
                    return Outcome(failure: nil)
                }
                var failure: (any Error)?
                while let ended = try await group.next() {
                    guard let ended else { continue }
                    failure = ended.failure
                    // What was refused has no events.
                    if failure != nil, owner.log.lastSequence < first { break }
                }
                return failure
            }
        }
        var reply = ControlReply(.result, id: request.id)
        if let failure, owner.log.lastSequence < first { throw failure }
        reply.verdict = .passed
        if let failure {
            let problem = Problem(of: failure)
            (reply.problem, reply.verdict) = (problem, problem.kind == .failure ? .failed : .environment)
        }
        return reply
    }

    private struct Outcome: Sendable {
        var failure: (any Error)?
    }
}

extension LabEvent.LabState {
    /// Whether a lab in this state does nothing by itself, or is about to go.
    fileprivate var isResting: Bool {
        switch self {
        case .paused, .kept, .tearingDown, .down: true
        case .planning, .booting, .running: false
        }
    }
}

extension LabEvent.RunFinished {
    /// The verdict that the outcome is.
    fileprivate var verdict: Verdict {
        switch outcome {
        case .passed: .passed
        case .notRun: .environment
        case .failed, .interrupted, .ownerLost: .failed
        }
    }
}

extension OwnerState {
    /// Waits until the lab is kept.
    ///
    /// - Throws: a ``Problem`` of kind `busy` when it is not in time.
    func settled(atMost limit: Duration) async throws {
        let deadline = ContinuousClock.now + limit
        while state != .kept {
            guard ContinuousClock.now < deadline, stop.value == nil else {
                throw Problem(.busy, "the lab cannot be taken over now", why: "its paused run has not ended after \(limit.seconds) s")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
