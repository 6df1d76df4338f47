import FoundationEssentials
public import LabEvents

/// How a run ended, as `result.json` holds it.
public struct RunResult: Sendable, Codable, Equatable {
    /// The version of the form.
    public var schema = 1
    /// The run's id.
    public var run = ""
    /// The scenario's name.
    public var scenario = ""
    /// How the run ended; nil while it runs.
    public var outcome: LabEvent.Outcome?
    /// Its exit code; nil while it runs.
    public var exitCode: Int32?
    /// Seconds from the start of the owner; nil while it runs.
    public var seconds: Double?
    /// Why it did not pass.
    public var cause: String?
    /// When it began: UTC, ISO 8601 with milliseconds.
    public var startedAt: String?
    /// When it ended, likewise.
    public var finishedAt: String?
    /// Where random choices started.
    public var seed: UInt64?
    /// `kvm` or `tcg`.
    public var accelerator: String?
    /// The name of the network's profile.
    public var profile: String?
    /// The phases in the order in which they began or were left out.
    public var phases: [Phase] = []
    /// The steps in the order in which they began.
    public var steps: [Step] = []
    /// The nodes in the plan's order.
    public var nodes: [Node] = []
    /// What went wrong, in the order in which it did.
    public var problems: [Problem] = []
    /// The files that the run left, by their paths in the run directory, sorted; nil while it runs.
    public var evidence: [String]?
    /// What took the place of k3s; nil for the real one, and where there is none.
    public var standIn: String?

    /// A step of the run.
    public struct Step: Sendable, Codable, Equatable {
        /// Its name.
        public var name: String
        /// How it ended; `started` when the run ended before it.
        public var state: LabEvent.StepState
        /// How long it took, in seconds.
        public var seconds: Double?
        /// What it found.
        public var detail: String?

        /// A step from its parts.
        public init(name: String, state: LabEvent.StepState, seconds: Double? = nil, detail: String? = nil) {
            (self.name, self.state, self.seconds, self.detail) = (name, state, seconds, detail)
        }
    }

    /// A node of the run.
    public struct Node: Sendable, Codable, Equatable {
        /// Its name.
        public var name: String
        /// Its last state before the lab was taken down.
        public var finalState: LabEvent.NodeState
        /// How often it booted.
        public var boots: Int
        /// Seconds from the beginning of its last boot until it obeyed; nil when it never did.
        public var readySeconds: Double?

        /// A node from its parts.
        public init(name: String, finalState: LabEvent.NodeState = .off, boots: Int = 0, readySeconds: Double? = nil) {
            (self.name, self.finalState, self.boots, self.readySeconds) = (name, finalState, boots, readySeconds)
        }
    }

    /// A result without content.
    public init() {}

    /// The file's content: sorted, over several lines, with a newline at its end.
    /// - Throws: `EncodingError` when a number of seconds is infinite.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
