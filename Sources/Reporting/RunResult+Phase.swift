public import LabEvents

extension RunResult {
    /// A phase of the run.
    public struct Phase: Sendable, Codable, Equatable {
        /// Its path.
        public var phase: String
        /// How it ended; `started` when the run ended before it.
        public var state: LabEvent.PhaseState
        /// What it came to.
        public var verdict: Verdict?
        /// Why it was left out.
        public var skip: Verdict.Skip?
        /// Why, in one line.
        public var reason: String?
        /// What it found.
        public var detail: String?
        /// What made it fail.
        public var problem: Problem?
        /// How long it took, in seconds.
        public var seconds: Double?
        /// Which repetition, from 1; nil when it is not repeated.
        public var attempt: Int?
        /// True when its failure is only a warning.
        public var optional: Bool?
        /// The node whose part it is; nil when it is the whole lab's.
        public var node: String?
        /// The source file that it is written in.
        public var file: String?
        /// The line in that file.
        public var line: Int?

        init(_ change: LabEvent.PhaseChange, node: String?) {
            (phase, state, verdict, skip) = (change.phase, change.state, change.verdict, change.skip)
            (reason, detail, problem, seconds) = (change.reason, change.detail, change.problem, change.seconds)
            (attempt, optional, self.node, file, line) = (change.attempt, change.optional, node, change.file, change.line)
        }
    }

    /// Follows the phases.
    mutating func note(_ change: LabEvent.PhaseChange, node: String?) {
        guard change.aside != true else { return }
        // That the run waited is no end of the phase.
        guard change.state != .paused, change.state != .continued else { return }
        let open = phases.lastIndex { $0.phase == change.phase && $0.attempt == change.attempt && $0.state == .started }
        if change.state != .started, let open {
            phases[open] = Phase(change, node: node)
        } else {
            phases.append(Phase(change, node: node))
        }
    }
}
