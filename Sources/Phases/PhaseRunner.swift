import FoundationEssentials
import LabEvents
import NetworkProfiles
import VMLab

/// Does phases with a lab.
struct PhaseRunner: Sendable {
    let lab: Lab
    let session: PhaseSession

    /// What phases came to.
    struct Tally {
        /// How many phases without phases in them were begun.
        var executed = 0
        /// What the first of them that counts failed with.
        var failure: (any Error)?
    }

    /// The phase that a task is in.
    struct Place: Sendable {
        let session: PhaseSession
        let path: String
        @TaskLocal static var current: Place?
    }

    /// Does phases one after the other until one fails. Those after it are told to be left out.
    func run(_ phases: [Phase], in parent: String = "", isTolerated: Bool = false) async -> Tally {
        var tally = Tally()
        var failed = ""
        for phase in phases {
            let path = parent.isEmpty ? phase.name : "\(parent)/\(phase.name)"
            if tally.failure != nil {
                // Nothing is told of what a run that was ended would have done.
                if !Task.isCancelled, !(tally.failure is PhaseSession.Left) { skip(phase, path, .missing, "'\(failed)' failed") }
                continue
            }
            failed = path
            let result = await perform(phase, path, isTolerated: isTolerated)
            tally.executed += result.executed
            tally.failure = result.failure
        }
        return tally
    }

    private func perform(_ phase: Phase, _ path: String, isTolerated: Bool) async -> Tally {
        if let (kind, reason) = session.reason(against: path) {
            skip(phase, path, kind, reason)
            return Tally()
        }
        if let lacking = phase.features.first(where: { !$0.isIn(lab.plan.network) }) {
            skip(phase, path, .byDesign, "the network has no \(lacking.words)")
            return Tally()
        }
        var tally = Tally()
        do {
            try await session.enter(path, isLeaf: phase.phases.isEmpty, file: phase.file, line: phase.line)
        } catch {
            tally.failure = error
            return tally
        }
        for attempt in 1...max(1, phase.repetitions) where tally.failure == nil {
            let once = await performOnce(
                phase, path, attempt: phase.repetitions > 1 ? attempt : nil, isTolerated: isTolerated || phase.isOptional)
            tally.executed += once.executed
            tally.failure = once.failure
        }
        if phase.isOptional, !isEndOfRun(tally.failure) { tally.failure = nil }
        return tally
    }

    /// Whether an error ends everything, whatever the phase says.
    private func isEndOfRun(_ error: (any Error)?) -> Bool { error is PhaseSession.Left || Task.isCancelled }

    private func performOnce(_ phase: Phase, _ path: String, attempt: Int?, isTolerated: Bool) async -> Tally {
        var change = change(phase, path, .started)
        change.attempt = attempt
        session.record(change)
        let begin = ContinuousClock.now
        var tally = Tally(executed: phase.phases.isEmpty ? 1 : 0)
        do {
            change.detail = try await Place.$current.withValue(Place(session: session, path: path)) {
                try await lab.capture(captured(phase, path), during: path) {
                    try await `do`(phase, path, isTolerated: isTolerated || phase.expectation != nil, &tally)
                }
            }
            change.detail = change.detail.map { String($0.prefix(200)) }
            change.seconds = begin.duration(to: .now).seconds.rounded(to: 3)
            if let expectation = phase.expectation {
                tally.failure = fail(
                    &change, .unexpectedlyPassed,
                    Problem(
                        .failure, "'\(path)' passed, and it was meant to fail", location: place(phase), why: expectation.reason,
                        remedy: "when that is no longer so, take `expectedToFail` away"))
            } else {
                (change.state, change.verdict) = (.passed, .passed)
            }
        } catch let skip as Skip {
            (change.state, change.verdict, change.skip, change.reason) = (.skipped, .skipped, skip.kind, skip.reason)
            tally.executed = 0
        } catch {
            change.seconds = begin.duration(to: .now).seconds.rounded(to: 3)
            tally.failure = settle(&change, error, phase)
        }
        session.record(change, isTolerated: isTolerated)
        return tally
    }

    /// What is captured while a phase runs: what it says itself, and what whoever started the run asked for.
    private func captured(_ phase: Phase, _ path: String) -> [String] {
        phase.captured + (session.request.captureDuring == path ? session.request.capture ?? [] : [])
    }

    /// - Returns: what it found.
    private func `do`(_ phase: Phase, _ path: String, isTolerated: Bool, _ tally: inout Tally) async throws -> String? {
        switch phase.body {
        case .once(let body):
            return try await body(lab)
        case .group(let phases):
            let inner = await run(phases, in: path, isTolerated: isTolerated)
            tally.executed += inner.executed
            if let failure = inner.failure { throw failure }
            if inner.executed == 0 { throw Skip.byDesign("nothing in it was executed") }
            return nil
        case .parallel(let selection, let body):
            let nodes = selection.nodes(of: lab)
            guard !nodes.isEmpty else { throw Skip.missing("the lab has no \(selection.words)") }
            try await parallel(phase, path, nodes, isTolerated: isTolerated, body)
            return "\(nodes.count) node\(nodes.count == 1 ? "" : "s")"
        }
    }

    private func parallel(
        _ phase: Phase, _ path: String, _ nodes: [Node], isTolerated: Bool,
        _ body: @escaping @Sendable (Node, Lab) async throws -> String?
    ) async throws {
        let failures = await withTaskGroup(of: (Int, (any Error)?).self) { group in
            for (index, node) in nodes.enumerated() {
                group.addTask { (index, await part(phase, "\(path)/\(node.name)", node, isTolerated: isTolerated, body)) }
            }
            return await group.reduce(into: [(Int, any Error)]()) { if let error = $1.1 { $0.append(($1.0, error)) } }
        }.sorted { $0.0 < $1.0 }
        guard let first = failures.first else { return }
        // One that ended the run counts more than what followed from it.
        if let end = failures.first(where: { $0.1 is PhaseSession.Left }) { throw end.1 }
        guard failures.count > 1, !Task.isCancelled else { throw first.1 }
        var problem = Problem(of: first.1)
        let others = failures.dropFirst().map { nodes[$0.0].name }.joined(separator: ", ")
        problem.why = (problem.why.map { $0 + "\n" } ?? "") + "it failed on \(others) too"
        throw problem
    }

    /// One node's part of a phase.
    ///
    /// - Returns: what it failed with.
    private func part(
        _ phase: Phase, _ path: String, _ node: Node, isTolerated: Bool, _ body: @Sendable (Node, Lab) async throws -> String?
    ) async -> (any Error)? {
        var change = change(phase, path, .started)
        session.record(change, node: node.name)
        let begin = ContinuousClock.now
        var failure: (any Error)?
        do {
            change.detail = try await Place.$current.withValue(Place(session: session, path: path)) { try await body(node, lab) }
            (change.state, change.verdict) = (.passed, .passed)
        } catch let skip as Skip {
            (change.state, change.verdict, change.skip, change.reason) = (.skipped, .skipped, skip.kind, skip.reason)
        } catch {
            failure = settle(&change, error, nil)
        }
        change.seconds = begin.duration(to: .now).seconds.rounded(to: 3)
        session.record(change, node: node.name, isTolerated: isTolerated)
        return failure
    }

    // MARK: Ends

    /// Makes the end of a phase from what it threw.
    ///
    /// - Returns: what counts as its failure; nil when it was meant to fail so.
    private func settle(_ change: inout LabEvent.PhaseChange, _ error: any Error, _ phase: Phase?) -> (any Error)? {
        if isEndOfRun(error) {
            // A guest that was lost cancels the phase, and is why it failed.
            guard let cause = lab.cause, !(error is PhaseSession.Left) else {
                change.state = .interrupted
                return error
            }
            return fail(&change, cause.kind == .environment ? .environment : .failed, cause)
        }
        let problem = Problem(of: error)
        guard let phase, let expectation = phase.expectation else {
            return fail(&change, problem.kind == .environment ? .environment : .failed, problem, as: error)
        }
        if let pattern = try? Regex(expectation.pattern), problem.description.firstMatch(of: pattern) != nil {
            (change.state, change.verdict) = (.passed, .expectedFailure)
            (change.problem, change.reason) = (problem, expectation.reason)
            return nil
        }
        return fail(
            &change, .failed,
            Problem(
                .failure, "'\(change.phase)' failed otherwise than it was meant to: \(problem.what)", location: problem.location,
                why: (problem.why.map { $0 + "\n" } ?? "") + "it was meant to fail with /\(expectation.pattern)/: \(expectation.reason)",
                remedy: problem.remedy))
    }

    private func fail(
        _ change: inout LabEvent.PhaseChange, _ verdict: Verdict, _ problem: Problem, as error: (any Error)? = nil
    ) -> any Error {
        (change.state, change.verdict, change.problem) = (.failed, verdict, problem)
        return error ?? problem
    }

    private func skip(_ phase: Phase, _ path: String, _ kind: Verdict.Skip, _ reason: String) {
        var change = change(phase, path, .skipped)
        (change.verdict, change.skip, change.reason) = (.skipped, kind, reason)
        session.record(change)
    }

    private func change(_ phase: Phase, _ path: String, _ state: LabEvent.PhaseState) -> LabEvent.PhaseChange {
        var change = LabEvent.PhaseChange(path, state)
        (change.file, change.line) = (phase.file, phase.line)
        if phase.isOptional { change.optional = true }
        return change
    }

    private func place(_ phase: Phase) -> String { "\(phase.file):\(phase.line)" }
}
