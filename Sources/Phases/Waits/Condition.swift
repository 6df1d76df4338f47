public import VMLab

/// Something that can be so or not, with the way to find out. ``Node/condition(_:)`` makes those of a guest.
public struct Condition: Sendable {
    /// What is so when the answer is yes, such as `a: port 6443 is open`.
    public var what: String
    /// The node that it is asked of; a wait ends at once when that is gone.
    let node: Node?
    /// Reports answers until the goal is reached, an answer is final, or the task is cancelled.
    let watch: @Sendable (Watch) async throws -> Void
    /// What helps to understand why it is not so, asked once after a wait in vain.
    var evidence: (@Sendable () async -> String?)?

    /// What a watch is to find, and whom to tell.
    struct Watch: Sendable {
        var goal: Goal
        var pace: @Sendable () -> Double
        /// Takes an answer and how many tries it stands for.
        var report: @Sendable (Answer, Int) -> Void
    }

    /// The answer at which a watch ends.
    struct Goal: Sendable, Equatable {
        var kind: Answer.Kind
        /// How long it must hold.
        var settle = Duration.zero
    }

    init(_ what: String, node: Node?, watch: @escaping @Sendable (Watch) async throws -> Void) {
        (self.what, self.node, self.watch) = (what, node, watch)
    }

    /// A condition that is asked on the host: every 20 ms at most, after ten times as long as asking took, and once a second at least.
    ///
    /// - Parameters:
    ///   - what: what is so when the answer is yes.
    ///   - node: the node that it is about, if it is about one.
    ///   - check: asks. An error that it throws counts as could-not-ask.
    public init(_ what: String, on node: Node? = nil, _ check: @escaping @Sendable () async throws -> Answer) {
        self.init(what, node: node) { watch in
            var since: ContinuousClock.Instant?
            while true {
                let begin = ContinuousClock.now
                let answer: Answer
                do {
                    answer = try await check()
                } catch let error as CancellationError {
                    throw error
                } catch {
                    answer = .couldNotAsk("\(error)")
                }
                watch.report(answer, 1)
                if answer.isFinal { return }
                let end = ContinuousClock.now
                since = answer.kind == watch.goal.kind ? since ?? begin : nil
                if let since, since.duration(to: end) >= watch.goal.settle { return }
                try await Task.sleep(for: min(.seconds(1), max(.milliseconds(20), begin.duration(to: end) * 10)))
            }
        }
    }

    /// The condition that is so when this one is not. What could not be asked is neither.
    public static prefix func ! (condition: Condition) -> Condition { condition.negated("not: " + condition.what) }

    /// The opposite under another name.
    func negated(_ what: String) -> Condition {
        var negated = Condition(what, node: node) { watch in
            var inner = watch
            inner.goal.kind = watch.goal.kind.opposite
            inner.report = { answer, tries in
                var answer = answer
                answer.kind = answer.kind.opposite
                watch.report(answer, tries)
            }
            try await self.watch(inner)
        }
        negated.evidence = evidence
        return negated
    }
}
