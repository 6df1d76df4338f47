import BuildRegistry
import GuestShell
public import LabEvents
import NetworkProfiles
import QEMU
import Synchronization
import VDE

/// A plan made real: switches and machines, for the time of ``withLab(_:images:in:options:body:)``.
public final class Lab: Sendable {
    /// What the lab is made of.
    public let plan: LabPlan
    /// The nodes, in the plan's order.
    public let nodes: [Node]
    /// The segments, in the plan's order.
    public let segments: [Segment]
    /// The cables: those of trunks, then those of network cards that have one.
    public let cables: [CableLink]
    /// The LACP partners of the bonds that need one.
    public let aggregations: [AggregationLink]
    /// Where what happens is told.
    public let events: any EventSink
    /// What must never be written anywhere: ``LabEvents/Redactor/add(secret:name:)`` before a value is used.
    public let secrets: Redactor
    /// How slow the host is; see ``Budget``.
    public var pace: Double { context.pace }
    /// The time limit that counts in this lab instead of a named one: the scenario's own of the same name, or the same.
    public func budget(_ budget: Budget) -> Budget { context.budget(budget) }
    /// What made the lab unusable; nil while it is not.
    public var cause: Problem? { failure.current }
    let context: LabContext
    let failure: LabFailure
    let faults: FaultService
    let captureBook: CaptureBook

    init(context: LabContext, failure: LabFailure) {
        plan = context.plan
        nodes = context.plan.nodes.map { Node(plan: $0, context: context) }
        segments = context.plan.segments.map(Segment.init)
        cables = CableLink.all(context.plan, nodes: nodes)
        aggregations = AggregationLink.all(nodes)
        events = context.events
        secrets = context.redactor
        self.context = context
        self.failure = failure
        captureBook = CaptureBook(folder: context.run.path + "/network")
        faults = FaultService(FaultLedger(context.run)) { [events = context.events] record in
            events.record(
                .fault(LabEvent.FaultChange(id: record.id, fault: "\(record.fault)", state: record.state, detail: record.detail)),
                node: nil,
                severity: record.state == .failed ? .error : [.recorded, .healing].contains(record.state) ? .debug : .info)
        }
    }

    /// The node of a name.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the nodes.
    public func node(_ name: String) throws(Problem) -> Node {
        if let node = nodes.first(where: { $0.name == name }) { return node }
        throw Problem(.invalidInput, "there is no node '\(name)'", why: "the lab has \(nodes.map(\.name).joined(separator: ", "))")
    }

    /// Starts nodes in parallel and waits until all obey. No more boot at once than the plan says.
    ///
    /// - Parameter names: which; all when nil.
    /// - Throws: the first failure; the others are not waited for.
    public func boot(_ names: [String]? = nil) async throws {
        let chosen = try names.map { names throws(Problem) in try names.map { name throws(Problem) in try node(name) } } ?? nodes
        events.record(.lab(LabEvent.LabChange(state: .booting)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in chosen { group.addTask { try await self.boot(node) } }
            // waitForAll() would wait for the others too when one has failed.
            while try await group.next() != nil {}
        }
        events.record(.lab(LabEvent.LabChange(state: .running)))
    }

    private func boot(_ node: Node) async throws {
        if node.state == .off { node.reach(.waiting, detail: "for its turn to boot", severity: .debug) }
        try await context.bootSlots.withPermit {
            try await node.start()
            try await node.waitForShell()
        }
    }

    /// Runs a part of a scenario under a name, so that progress and failures have a place.
    ///
    /// - Parameters:
    ///   - name: what the step shows or does.
    ///   - body: gives what it found, in a few words, or nothing.
    @discardableResult
    public func step<Result: Sendable>(
        _ name: String, file: String = #fileID, line: Int = #line, _ body: () async throws -> Result
    ) async throws -> Result {
        func tell(_ state: LabEvent.StepState, _ begin: ContinuousClock.Instant? = nil, detail: String? = nil) {
            let seconds = begin.map { $0.duration(to: .now).seconds.rounded(to: 3) }
            events.record(
                .step(LabEvent.StepChange(step: name, state: state, seconds: seconds, detail: detail, file: file, line: line)), node: nil,
                severity: state == .failed ? .error : .info)
        }
        tell(.started)
        let begin = ContinuousClock.now
        do {
            let result = try await body()
            tell(.passed, begin, detail: (result as? String).map { String($0.prefix(200)) })
            return result
        } catch {
            let root = failure.current ?? (error as? Problem)
            tell(.failed, begin, detail: root?.what ?? "\(error)")
            throw error
        }
    }

    /// Runs `body`; when something happens that makes the lab unusable (a machine or switch ends unasked, a kernel panics), it is cancelled and that is the
    /// error.
    public func guarded<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask { throw try await self.failure.wait() }
            do {
                guard let result = try await group.next() else { throw CancellationError() }
                return result
            } catch {
                // A command in a guest that is gone fails a moment before it is known what became of the guest.
                throw await failure.wait(atMost: .milliseconds(500)) ?? error
            }
        }
    }
}

/// The first thing that made a lab unusable.
final class LabFailure: Sendable {
    private let gate = Gate<Problem>()

    var current: Problem? { gate.value }

    /// Records a failure; only the first counts.
    func record(_ problem: Problem) {
        if gate.value == nil { gate.open(problem) }
    }

    /// Begins anew, for another try on the same lab.
    func forget() { gate.close() }

    func wait() async throws -> Problem { try await gate.wait() }

    func wait(atMost limit: Duration) async -> Problem? {
        if let current { return current }
        return await withTaskGroup(of: Problem?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try? await self.gate.wait() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            return await group.next() ?? nil
        }
    }
}
