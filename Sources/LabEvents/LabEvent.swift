public import FoundationEssentials

/// Something observable that happened in a run. Progress on the terminal, the JSON Lines file and every report are made of these.
///
/// The JSON form is one flat object a line: `v` (the schema's version), `seq`, `time` (UTC, ISO 8601 with milliseconds), `severity`, `type`, `node` where the
/// event is a node's, and the fields of the type's own payload. A reader ignores fields and types that it does not know; `v` changes when a field changes its
/// meaning or goes.
public struct LabEvent: Sendable, Equatable {
    /// The version of the JSON form.
    public static let schemaVersion = 1

    /// The event's number in its run, from 1, without gaps.
    public var sequence: Int
    /// When it happened, on the host's clock.
    public var time: Date
    /// How much it matters.
    public var severity: Severity
    /// The node that it happened to; nil when it is the whole lab's.
    public var node: String?
    /// What happened.
    public var kind: Kind

    /// An event from its parts.
    public init(sequence: Int, time: Date, severity: Severity, node: String? = nil, kind: Kind) {
        self.sequence = sequence
        self.time = time
        self.severity = severity
        self.node = node
        self.kind = kind
    }

    /// How much an event matters.
    public enum Severity: String, Sendable, Codable, CaseIterable, Comparable {
        /// For whoever looks for a cause: console lines, machine events.
        case debug
        /// Progress.
        case info
        /// Unexpected, and the run goes on.
        case warning
        /// A reason for the run to fail.
        case error

        /// In the order of their cases.
        public static func < (left: Severity, right: Severity) -> Bool {
            allCases.firstIndex(of: left).map { a in allCases.firstIndex(of: right).map { a < $0 } ?? false } ?? false
        }
    }

    /// What can happen, with its payload.
    public enum Kind: Sendable, Equatable {
        /// The first event of a run.
        case runStarted(RunStarted)
        /// The lab as a whole reached another state.
        case lab(LabChange)
        /// Progress of an image that the lab needs.
        case image(ImageProgress)
        /// The resource plan decided something.
        case decision(Decision)
        /// A node reached another state.
        case node(NodeChange)
        /// The guest wrote a line on its serial console.
        case console(ConsoleLine)
        /// QEMU reported an event (QMP).
        case machine(MachineEvent)
        /// A process of the lab started or ended.
        case process(ProcessChange)
        /// A phase of the scenario reached another state.
        case phase(PhaseChange)
        /// Something was broken on purpose, or healed.
        case fault(FaultChange)
        /// A step of the scenario started or ended.
        case step(StepChange)
        /// A command ran in a guest.
        case command(CommandRun)
        /// A remark for people.
        case message(Message)
        /// Something failed.
        case problem(ProblemReport)
        /// A new executable took the lab over.
        case takeover(Takeover)
        /// The last event of a run; a kept lab may have further events until it is taken down.
        case runFinished(RunFinished)
    }
}
