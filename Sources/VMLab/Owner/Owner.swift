import BuildRegistry
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import NetworkProfiles
import QEMU
import Synchronization

/// The process that holds a lab: it runs the scenario and serves clients, from the plan to the last process's end.
struct Owner: Sendable {
    let run: RunDirectory
    let lock: RunLock
    let scenario: Scenario
    let request: RunRequest
    let begin = ContinuousClock.now
    let state: OwnerState
    let log: EventLog
    let redactor: Redactor
    let result: ResultKeeper
    let server: ControlServer
    let watchdog: Watchdog

    /// How long ending may take after somebody asked for it. CI systems kill about 7 s after their signal.
    private static let endLimit = Duration.milliseconds(5000)
    /// How much of that captures may take; what is left is for the machines.
    private static let capturesAfterStop = Duration.milliseconds(700)

    /// Owns the run to its end.
    ///
    /// - Parameters:
    ///   - viewer: a connected socket to the viewer.
    ///   - handover: what the owner before left.
    ///   - signals: that this process gets.
    /// - Returns: the exit code.
    func own(viewer: Int32?, handover: Handover?, signals: AsyncStream<Int32>) async -> Int32 {
        await state.ending(at: signals) { await serve(viewer: viewer, handover) }
        lock.release()
        return state.finished?.exitCode ?? 1
    }

    private func serve(viewer: Int32?, _ handover: Handover?) async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await watchdog.serve() }
            tasks.addTask { try? await server.serve { await ControlSession.serve($0, state) } }
            if let viewer {
                tasks.addTask {
                    if let channel = try? await LineChannel.adopt(viewer) { await ControlSession.serve(channel, state) }
                    state.viewerLeft()
                }
            }
            tasks.addTask {
                guard let reason = try? await state.stop.wait(), (try? await Task.sleep(for: Self.endLimit)) != nil else { return }
                // The watchdog ends what is left.
                // Standard error is harness.log.
                print("owner: not ended \(Self.endLimit.seconds) s after: \(reason.description)")
                Glibc.exit(reason.exitCode)
            }
            await live(handover)
            run.removeSockets()
            state.reach(.down)
            if let finished = state.finished { Manifest.complete(run, outcome: finished, worstPace: state.worstPace, redactor: redactor) }
            result.write()
            await log.finish()
            await state.letClientsRead(atMost: .seconds(1), expectingViewer: viewer != nil)
            tasks.cancelAll()
        }
    }

    private func live(_ handover: Handover?) async {
        do {
            if let handover {
                try await keep(handover)
            } else {
                try await state.stoppable { try await self.plan() }.run(self)
            }
        } catch {
            // The scenario's own end is recorded where it happens; this is the lab's.
            if state.finished == nil { conclude(error) }
        }
    }

    // MARK: Planning

    /// What planning came to.
    struct Planned: Sendable {
        var plan: LabPlan
        var images: [String: BootableImage]

        func run(_ owner: Owner) async throws { try await owner.run(self) }
    }

    private func plan() async throws -> Planned {
        state.reach(.planning)
        let planner = Planner(
            scenario: scenario, wishes: request.wishes, accelerator: request.accelerator, options: request.options, seed: request.seed)
        let plan = try await planner.plan(stateFolder: run.path)
        let nodes = plan.nodes.map(\.name)
        log.record(
            .runStarted(
                LabEvent.RunStarted(
                    run: run.identifier, scenario: scenario.name, plan: plan.digest, nodes: nodes,
                    owner: ProcessInfo.processInfo.processIdentifier, seed: plan.seed, accelerator: plan.accelerator.rawValue,
                    profile: plan.network?.profile)))
        log.message(plan.resources.summary)
        for decision in plan.resources.decisions { log.record(.decision(decision), node: nil, severity: .debug) }
        for warning in plan.resources.warnings { log.record(.decision(warning), node: nil, severity: .warning) }
        try AtomicFile.write(Array(try plan.json().utf8), to: run.path + "/plan.json", redactor: redactor)
        let images = try await planner.images(for: plan, events: log)
        try await Manifest.begin(run: run, request: request, plan: plan, images: images).write(to: run, redactor: redactor)
        try await MemoryLedger(run: run).reserve(plan.memoryMiB, waits: request.options.waitForMemory, events: log)
        return Planned(plan: plan, images: images)
    }

    // MARK: The lab

    private var labOptions: LabOptions {
        var options = LabOptions(events: log, redactor: redactor)
        options.budgets = scenario.budgets
        return options
    }

    private func run(_ planned: Planned) async throws {
        let folders = try LabFolders.real(planned.plan, run)
        try await withLab(
            planned.plan, images: planned.images, folders: folders, in: run, options: labOptions, inheriting: nil
        ) { lab in
            state.hold(lab)
            defer { state.hold(nil) }
            let isLeft = try await execute(lab)
            if keeps || isLeft {
                try await stay(lab, planned)
                await lab.gatherEvidence()
            }
            await finishCaptures(lab)
            state.reach(.tearingDown, reason: state.stop.value?.description)
        }
    }

    private func keep(_ handover: Handover) async throws {
        let folders = try LabFolders.real(handover.plan, run)
        if let finished = handover.finished { state.finish(finished) }
        try await withLab(
            handover.plan, images: handover.images, folders: folders, in: run, options: labOptions, inheriting: handover.inheritance
        ) { lab in
            state.hold(lab)
            defer { state.hold(nil) }
            handover.retireWatchdog()
            log.record(.takeover(LabEvent.Takeover(build: Build.identifier, previous: handover.build)))
            try await stay(lab, Planned(plan: handover.plan, images: handover.images))
            await lab.gatherEvidence()
            await finishCaptures(lab)
            state.reach(.tearingDown, reason: state.stop.value?.description)
        }
    }

    /// Makes whole what is being captured, as far as whoever wants the end of the lab leaves time for it.
    private func finishCaptures(_ lab: Lab) async {
        await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await lab.finishCaptures(atMost: .seconds(60)) }
            group.addTask {
                guard (try? await state.stop.wait()) != nil else { return }
                try? await Task.sleep(for: Self.capturesAfterStop)
            }
            await group.next()
        }
    }

    private var keeps: Bool {
        guard state.stop.value == nil, let finished = state.finished else { return false }
        switch request.keep {
        case .never: return false
        case .onFailure: return finished.outcome == .failed
        case .always: return true
        }
    }

    /// The lab stays until somebody wants its end or takes it over.
    private func stay(_ lab: Lab, _ planned: Planned) async throws {
        result.write()
        state.reach(.kept)
        while true {
            let executable: String? = await withTaskGroup(of: String?.self) { group in
                defer { group.cancelAll() }
                group.addTask { try? await state.handover.wait() }
                group.addTask {
                    _ = try? await state.stop.wait()
                    return nil
                }
                return await group.next() ?? nil
            }
            guard let executable else { return }
            lab.keepCounters()
            let problem: Problem
            do {
                let handover = Handover(
                    run: run.path, build: Build.identifier, request: request, plan: planned.plan, images: planned.images,
                    inheritance: try lab.inheritance(), finished: state.finished, nextSequence: log.lastSequence + 1, lock: lock.descriptor,
                    listener: server.listener, watchdogReader: watchdog.pipe.reader, watchdogWriter: watchdog.pipe.writer,
                    watchdog: watchdog.pid, secrets: redactor.secrets)
                // Returns only when it fails.
                problem = handover.exec(executable)
            } catch {
                problem = (error as? Problem) ?? Problem(.failure, "\(error)")
            }
            log.problem(problem)
            state.handoverFailed(problem)
        }
    }

    // MARK: The end

    func conclude(_ error: any Error) {
        let reason = (error as? StopReason) ?? state.stop.value
        var unfit: Problem?
        switch reason {
        case .unfit(let problem): unfit = problem
        case .some(let reason): return finish(.interrupted, exitCode: reason.exitCode, cause: reason.description)
        case nil: break
        }
        let problem = unfit ?? Problem(of: error)
        if !result.hasReported(problem) { log.problem(problem) }
        finish(problem.kind == .failure ? .failed : .notRun, exitCode: problem.exitCode, cause: problem.what)
    }

    func finish(_ outcome: LabEvent.Outcome, exitCode: Int32, cause: String?) {
        let finished = LabEvent.RunFinished(
            outcome: outcome, exitCode: exitCode, seconds: begin.duration(to: .now).seconds.rounded(to: 2), cause: cause)
        state.finish(finished)
        log.record(.runFinished(finished), node: nil, severity: outcome == .passed ? .info : .error)
        result.write()
    }
}
