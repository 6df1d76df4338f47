extension LabEvent {
    /// How a phase stands.
    public enum PhaseState: String, Sendable, Codable, CaseIterable {
        /// It began.
        case started
        /// It ended well, or failed as it was meant to.
        case passed
        /// It failed, or passed although it was meant to fail.
        case failed
        /// It is left out.
        case skipped
        /// The run waits there for somebody.
        case paused
        /// The run goes on from there.
        case continued
        /// It was ended from outside before it had an end of its own.
        case interrupted
    }

    /// The payload of ``Kind/phase(_:)``.
    public struct PhaseChange: Sendable, Codable, Equatable {
        /// Its path: the names of the phases around it and its own with `/` between them, such as `cluster/join`. What a phase does on each of several nodes
        /// has the node's name last.
        public var phase: String
        /// How it stands.
        public var state: PhaseState
        /// What it came to, once it has ended.
        public var verdict: Verdict?
        /// Why it was left out.
        public var skip: Verdict.Skip?
        /// Why it was left out, failed or paused, in one line.
        public var reason: String?
        /// What it found, in one line.
        public var detail: String?
        /// What made it fail.
        public var problem: Problem?
        /// How long it took, in seconds, once it has ended.
        public var seconds: Double?
        /// Which repetition, from 1; nil when it is not repeated.
        public var attempt: Int?
        /// True when its failure is only a warning.
        public var optional: Bool?
        /// True when it ran for a client beside the run, or after it: no part of what the run came to.
        public var aside: Bool?
        /// The source file that it is written in.
        public var file: String?
        /// The line in that file.
        public var line: Int?

        /// A change; the other fields are set one by one.
        public init(_ phase: String, _ state: PhaseState) { (self.phase, self.state) = (phase, state) }

        /// How many phases are around it.
        public var depth: Int { phase.utf8.count { $0 == UInt8(ascii: "/") } }
        /// The last part of its path.
        public var name: String { phase.split(separator: "/").last.map(String.init) ?? phase }
    }
}

extension LabEvent.PhaseChange {
    /// The same change with every free text replaced.
    func mappingStrings(_ map: (String) -> String) -> Self {
        var change = self
        change.phase = map(phase)
        change.reason = reason.map(map)
        change.detail = detail.map(map)
        change.problem = problem?.mappingStrings(map)
        change.file = file.map(map)
        return change
    }
}
