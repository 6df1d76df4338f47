import GuestShell
import LabEvents
import Synchronization

/// Makes and heals the faults of a lab in a task of the lab's own, so that what a cancelled phase has begun is brought to its end.
final class FaultService: Sendable {
    private struct Open {
        var fault: Fault
        var work: FaultWork
        var proof = ""
        var course: Course?
    }

    /// What goes on while a fault lasts.
    private struct Course: Sendable {
        let stop = Gate<Void>()
        let end = Gate<Void>()
    }

    private struct State {
        var open: [Int: Open] = [:]
        /// Those who wait for a job; resumed in any case, as a continuation must be.
        var waiting: [Int: CheckedContinuation<Result<OpenFault, any Error>, Never>] = [:]
        var lastJob = 0
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let ledger: FaultLedger
    private let tell: @Sendable (FaultRecord) -> Void
    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let submit: AsyncStream<@Sendable () async -> Void>.Continuation

    /// - Parameter tell: takes each record once it is in the ledger.
    init(_ ledger: FaultLedger, tell: @escaping @Sendable (FaultRecord) -> Void) {
        (self.ledger, self.tell) = (ledger, tell)
        (jobs, submit) = AsyncStream.makeStream()
    }

    /// The faults that are not healed, oldest first.
    var open: [OpenFault] {
        state.withLock { $0.open }.sorted { $0.key < $1.key }.map { OpenFault(id: $0.key, fault: $0.value.fault, proof: $0.value.proof) }
    }

    /// Works until the task is cancelled; then the lab goes down, and the faults with it.
    func serve() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
        let left = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [:] }
            return state.waiting.values.map { $0 }
        }
        for waiter in left { waiter.resume(returning: .failure(CancellationError())) }
    }

    /// Makes a fault and waits until its effect was seen. What was made in part is undone.
    ///
    /// - Parameter id: the number that it had under the owner before; a new one when nil.
    func inject(_ fault: Fault, _ work: FaultWork, id: Int? = nil) async throws -> OpenFault {
        let id = id ?? ledger.number()
        return try await perform {
            try self.record(id, fault, .recorded)
            self.state.withLock { $0.open[id] = Open(fault: fault, work: work) }
            do {
                try await work.inject()
                if let course = work.course { self.start(course, of: id) }
                let proof = try await work.observe()
                self.state.withLock { $0.open[id]?.proof = proof }
                try self.record(id, fault, .injected, proof)
                return OpenFault(id: id, fault: fault, proof: proof)
            } catch {
                let problem = error as? Problem ?? Problem(.failure, "\(fault)", why: "\(error)")
                try? self.record(id, fault, .failed, problem.what)
                _ = try? await self.undo(id)
                throw problem
            }
        }
    }

    /// Heals a fault and waits until that was seen. Nothing happens when it is healed already.
    ///
    /// - Throws: a ``Problem`` when its end could not be confirmed; it stays open then.
    func heal(_ id: Int) async throws {
        guard state.withLock({ $0.open[id] != nil }) else { return }
        _ = try await perform { try await self.undo(id) }
    }

    /// Heals all faults, the newest first, and only then waits until that was seen: what one broke may hide that another is gone.
    ///
    /// - Throws: the first ``Problem`` of those whose end could not be confirmed; they stay open.
    func healAll() async throws {
        let ids = open.map(\.id).reversed()
        var first: (any Error)?
        for id in ids {
            // What cannot be undone fails again, and says so, below.
            _ = try? await perform {
                guard let open = self.state.withLock({ $0.open[id] }) else { throw CancellationError() }
                open.course?.stop.open(())
                _ = try? await open.course?.end.wait()
                try await open.work.heal()
                return OpenFault(id: id, fault: open.fault, proof: open.proof)
            }
        }
        for id in ids {
            do { try await heal(id) } catch { first = first ?? error }
        }
        if let first { throw first }
    }

    private func undo(_ id: Int) async throws -> OpenFault {
        guard let open = state.withLock({ $0.open[id] }) else { throw Problem(.invalidInput, "there is no fault \(id)") }
        open.course?.stop.open(())
        _ = try? await open.course?.end.wait()
        do {
            try record(id, open.fault, .healing)
            try await open.work.heal()
            let proof = try await open.work.confirm()
            try record(id, open.fault, .healed, proof)
            state.withLock { $0.open[id] = nil }
            return OpenFault(id: id, fault: open.fault, proof: proof)
        } catch {
            guard !(error is CancellationError) else { throw error }
            let problem = error as? Problem ?? Problem(.failure, "\(error)")
            try? record(id, open.fault, .failed, problem.what)
            throw Problem(
                .failure, "the fault '\(open.fault)' is not healed: \(problem.what)", location: problem.location, why: problem.why,
                remedy: "`vmlab heal RUN \(id)` tries again; `vmlab down RUN` ends the lab")
        }
    }

    private func start(_ body: @escaping @Sendable () async throws -> Void, of id: Int) {
        let course = Course()
        state.withLock { $0.open[id]?.course = course }
        submit.yield {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await body() }
                group.addTask { try? await course.stop.wait() }
                await group.next()
                group.cancelAll()
            }
            course.end.open(())
        }
    }

    private func record(_ id: Int, _ fault: Fault, _ state: LabEvent.FaultState, _ detail: String? = nil) throws(Problem) {
        let record = FaultRecord(id: id, fault: fault, state: state, detail: detail)
        try ledger.record(record)
        tell(record)
    }

    /// Runs `body` in the service's task and waits for its end, whether this task is cancelled or not.
    private func perform(_ body: @escaping @Sendable () async throws -> OpenFault) async throws -> OpenFault {
        try await withCheckedContinuation { (continuation: CheckedContinuation<Result<OpenFault, any Error>, Never>) in
            let number: Int? = state.withLock { state in
                if state.hasEnded { return nil }
                state.lastJob += 1
                state.waiting[state.lastJob] = continuation
                return state.lastJob
            }
            guard let number else { return continuation.resume(returning: .failure(CancellationError())) }
            submit.yield {
                let result: Result<OpenFault, any Error>
                do { result = .success(try await body()) } catch { result = .failure(error) }
                self.state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: result)
            }
        }.get()
    }
}
