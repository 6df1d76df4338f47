import GuestShell
import LabEvents
import VMLab

/// One wait: a condition, the answer that is wanted, and who asked.
struct Wait: Sendable {
    let condition: Condition
    var goal = Condition.Goal(kind: .yes)
    let tally: WaitTally
    let file: String
    let line: Int

    init(
        _ condition: Condition, goal: Condition.Goal = .init(kind: .yes), tally: WaitTally = WaitTally(), file: String, line: Int
    ) {
        (self.condition, self.goal, self.tally, self.file, self.line) = (condition, goal, tally, file, line)
    }

    /// How a wait ended.
    enum End: Sendable {
        /// The goal was reached.
        case reached
        /// The answer cannot become another one.
        case final
        /// The time was up.
        case late
        /// The guest was lost, and how.
        case lost(String)
    }

    /// How often a wait that goes on says so, on a host of pace 1.
    static let logInterval = Duration.seconds(10)

    /// Waits.
    ///
    /// - Parameter limit: the budget, which grows with the pace; or a fixed time.
    func run(_ limit: Limit) async throws -> End {
        let node = condition.node
        let pace: @Sendable () -> Double = { node?.pace ?? 1 }
        let (seen, boot) = (node?.changes.count ?? 0, node?.boot ?? 0)
        if let loss = node?.lossNow { return .lost(loss) }
        let end = try await withThrowingTaskGroup(of: End.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await self.ask(pace, since: seen, boot: boot) }
            if limit.duration(1) != nil {
                group.addTask {
                    while let whole = limit.duration(self.tally.worst(pace())), case let left = whole - self.tally.waited, left > .zero {
                        try await Task.sleep(for: left)
                    }
                    return .late
                }
            }
            group.addTask { try await self.tell(limit, pace) }
            if let node { group.addTask { .lost(try await node.loss(since: seen, boot: boot)) } }
            guard let end = try await group.next() else { throw CancellationError() }
            return end
        }
        // A guest that was lost in the very moment says more than the clock.
        if case .late = end, let loss = node?.lossNow { return .lost(loss) }
        return end
    }

    private func ask(_ pace: @escaping @Sendable () -> Double, since seen: Int, boot: Int) async throws -> End {
        do {
            try await condition.watch(.init(goal: goal, pace: pace, report: { tally.take($0, tries: $1) }))
            return tally.last?.kind == goal.kind ? .reached : .final
        } catch let error as GuestShellError {
            guard let node = condition.node else { throw error }
            // The shells hear of a loss a moment before the node does, who knows more.
            if let loss = await withDeadline(.milliseconds(500), { try? await node.loss(since: seen, boot: boot) }) { return .lost(loss) }
            if case .lost(let loss, _, _) = error { return .lost("\(loss)") }
            throw error.problem.located(file, line)
        } catch let problem as Problem {
            throw problem.located(file, line)
        }
    }

    /// Says now and then that the wait goes on.
    private func tell(_ limit: Limit, _ pace: @Sendable () -> Double) async throws -> End {
        while true {
            try await Task.sleep(for: Self.logInterval * max(1, pace()))
            let waited = "\(tally.waited.seconds.rounded(to: 0)) s"
            let whole = limit.duration(tally.worst(pace())).map { "\($0.seconds.rounded(to: 0)) s" }
            let so = whole.map { "waiting for \(waited) of \($0)" } ?? "so for \(waited)"
            condition.node?.events.message("\(so): \(condition.what); \(tally.text)", node: condition.node?.name)
        }
    }

    /// How long a wait may take.
    enum Limit: Sendable {
        case budget(Budget)
        case fixed(Duration)
        /// Until the goal is reached or the task is cancelled.
        case none

        func duration(_ pace: Double) -> Duration? {
            switch self {
            case .none: nil
            case .budget(let budget): budget.scaled(by: pace)
            case .fixed(let duration): duration
            }
        }
    }
}

extension Node {
    /// Why the node cannot answer now and will not by itself; nil when it may.
    var lossNow: String? {
        switch state {
        case .off, .waiting, .lost, .panicked, .paused: changes.snapshot.last.map(Self.words) ?? "it is \(state.rawValue)"
        case .booting, .ready: nil
        }
    }

    /// Waits until the guest is gone, stands still, or has started again.
    ///
    /// - Returns: what happened.
    func loss(since seen: Int, boot: Int) async throws -> String {
        for await change in changes.dropFirst(seen) {
            if [.off, .lost, .panicked, .paused].contains(change.state) { return Self.words(change) }
            if change.boot > boot { return "it rebooted (boot \(change.boot)" + (change.detail.map { ", " + $0 } ?? "") + ")" }
        }
        throw CancellationError()
    }

    private static func words(_ change: LabEvent.NodeChange) -> String {
        "it is \(change.state.rawValue)" + (change.detail.map { ": " + $0 } ?? "")
    }
}
