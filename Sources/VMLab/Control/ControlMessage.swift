public import LabEvents
public import NetworkProfiles

/// What a client sends to the owner of a lab: one JSON object a line over the run's control socket (`STATE/runs/ID/sockets/control`, a unix stream socket).
///
/// The server speaks first, with a ``ControlReply`` of type `hello`. Each request carries an `id` of the client's choice, unique among those under way; the
/// replies carry the same `id`, and requests run side by side. The last reply to a request is `result` or `error`. Bytes are base64. When the connection ends,
/// what runs for it is ended; a lab that has a viewer ends with its viewer unless it is kept or detached.
///
/// | `op` | fields | replies before the last |
/// |---|---|---|
/// | `status` | | |
/// | `events` | `from` (sequence, default 1), `follow`, `console` (console lines too) | `event` |
/// | `view` | as `events`; the connection becomes the lab's viewer | `event` |
/// | `detach` | the viewer may leave | |
/// | `stop` | `signal` or nothing; `reason` | |
/// | `execute` | `node`, `command`, `timeout` (s), `environment`, `secrets`, `directory`, `stdin` (true: input follows) | `output`, `taken` |
/// | `terminal` | `node`, `command`, `columns`, `rows`, `term`; input follows | `output`, `taken` |
/// | `input` | `id` of the command, `data`; without `data` the input ends. At most 8 pieces of at most 64 KiB before a `taken` each | |
/// | `resize` | `id` of the terminal, `columns`, `rows` | |
/// | `cancel` | `id` of the command or call | |
/// | `upload` | `node`, `local` (absolute path on the host), `path`, `mode` | |
/// | `download` | `node`, `path`, `local` | |
/// | `power` | `node`, `action`: `start`, `shutdown`, `powerCut`, `reboot`, `pause`, `resume` | |
/// | `network` | `action`: `show` (the plan and what each node says), `matrix` (every pair is tried), `configure` (made anew, on `node` or all), `counters` (of the cables and link aggregations) | |
/// | `fault` | `action`: `list`; `inject` (`fault`; with `timeout` it is healed after so many seconds); `heal` (`number`, or all) | `output` with the fault as JSON, when it has a `timeout` |
/// | `capture` | `action`: `list`; `start` (`what`: cards, bonds, segments, trunks, nodes; `name` or nothing); `stop` (`name`, or the only one) | |
/// | `call` | `call` (its name), `node`, `command`, `timeout` (s at pace 1), `arguments`; see `Sources/Phases/Calls` | `output` |
/// | `phase` | `action`: `list`; `run` (`phases` says which, of a kept or paused lab); `next`; `continue` (a paused run goes on) | `event` |
/// | `takeover` | `executable` (absolute path) | |
public struct ControlRequest: Sendable, Codable, Equatable {
    /// The version of the protocol that this build speaks. It changes when a field changes its meaning or goes.
    public static let protocolVersion = 1

    /// What is asked for.
    public enum Operation: String, Sendable, Codable, CaseIterable {
        case status, events, view, detach, stop, execute, terminal, input, resize, cancel, upload, download, power, network, fault, capture,
            call, phase, takeover
    }

    /// The client's number of the request.
    public var id: Int
    /// What is asked for.
    public var op: Operation
    /// The node's name.
    public var node: String?
    /// A script for the guest's shell.
    public var command: String?
    /// Seconds after which a command is ended.
    public var timeout: Double?
    /// Variables for a command.
    public var environment: [String: String]?
    /// Variables for a command whose values must never be written.
    public var secrets: [String: String]?
    /// Where a command starts.
    public var directory: String?
    /// Whether input follows.
    public var stdin: Bool?
    /// Bytes, base64.
    public var data: String?
    /// A terminal's width.
    public var columns: Int?
    /// A terminal's height.
    public var rows: Int?
    /// A terminal's type.
    public var term: String?
    /// The first event's sequence number.
    public var from: Int?
    /// Whether events are sent as they happen until the lab is down.
    public var follow: Bool?
    /// Whether console lines and other events of severity `debug` are sent.
    public var console: Bool?
    /// A path on the host.
    public var local: String?
    /// A path in the guest.
    public var path: String?
    /// Permission bits of an uploaded file.
    public var mode: UInt16?
    /// What happens to a node's power, or what is asked about the network.
    public var action: String?
    /// Which phases run, and where the execution waits.
    public var phases: PhaseRequest?
    /// What is to be broken.
    public var fault: Fault?
    /// What is to be captured.
    public var what: [String]?
    /// The name of a capture.
    public var name: String?
    /// The number of a fault.
    public var number: Int?
    /// The signal that asked the viewer to end.
    public var signal: Int32?
    /// Why something is asked for, for the report.
    public var reason: String?
    /// The name of a call.
    public var call: String?
    /// What a call needs beyond node, command and time limit.
    public var arguments: [String: String]?
    /// A program.
    public var executable: String?

    /// A request; fields are set one by one.
    public init(_ op: Operation, id: Int = 0) { (self.op, self.id) = (op, id) }
}

/// What the owner of a lab answers; see ``ControlRequest``.
public struct ControlReply: Sendable, Codable, Equatable {
    /// What the line is.
    public enum Kind: String, Sendable, Codable {
        /// The first line of a connection: `protocol`, `run`, `pid`, `build`, `state`.
        case hello
        /// An event.
        case event
        /// Bytes that a command wrote: `stream`, `data`.
        case output
        /// One piece of input was taken.
        case taken
        /// The request succeeded; the fields that belong to it.
        case result
        /// The request failed: `problem`.
        case error
    }

    /// The number of the request; 0 in `hello`.
    public var id: Int
    /// What the line is.
    public var type: Kind
    /// ``ControlRequest/protocolVersion`` of the owner.
    public var `protocol`: Int?
    /// The run id.
    public var run: String?
    /// The owner's process id.
    public var pid: Int32?
    /// The owner's build; see ``Build``.
    public var build: String?
    /// Where the lab stands.
    public var state: LabEvent.LabState?
    /// The event.
    public var event: LabEvent?
    /// `stdout` or `stderr`.
    public var stream: String?
    /// Bytes, base64.
    public var data: String?
    /// The exit status of a command, 0 to 255.
    public var exit: Int?
    /// The signal that ended a command.
    public var signal: Int?
    /// Whether a command was ended because its time was up.
    public var timedOut: Bool?
    /// Wall time in seconds.
    public var seconds: Double?
    /// Bytes that a transfer moved.
    public var bytes: Int?
    /// SHA-256 of a file that was moved.
    public var digest: String?
    /// The state of the nodes.
    public var nodes: [NodeStatus]?
    /// The scenario's name.
    public var scenario: String?
    /// How the scenario ended.
    public var outcome: LabEvent.RunFinished?
    /// The network's plan.
    public var network: NetworkPlan?
    /// What the nodes say about their networks.
    public var observations: [NetworkObservation]?
    /// What the switches carry otherwise than planned, in words.
    public var switchFaults: [String]?
    /// What became of the frames of the cables.
    public var cables: [CableStatus]?
    /// How the link aggregations stand.
    public var aggregations: [AggregationStatus]?
    /// Who reached whom.
    public var matrix: ReachabilityMatrix?
    /// The faults that are not healed; after `inject` the new one.
    public var faults: [OpenFault]?
    /// The captures; after `start` and `stop` the one that is meant.
    public var captures: [CaptureReport]?
    /// What a call came to.
    public var report: ControlCall.Report?
    /// The scenario's phases.
    public var phases: [PhaseStatus]?
    /// What the phases that ran came to; nil when they wait.
    public var verdict: Verdict?
    /// The phase at which the run waits.
    public var pausedAt: String?
    /// Why the request failed, or why the phases did.
    public var problem: Problem?

    /// What one node says about its network.
    public struct NetworkObservation: Sendable, Codable, Equatable {
        /// The node's name.
        public var node: String
        /// What the guest says; nil when it could not be asked.
        public var observed: ObservedNetwork?
        /// What is otherwise than planned, or why it could not be asked.
        public var differences: [String]
    }

    /// A node in a status.
    public struct NodeStatus: Sendable, Codable, Equatable {
        /// Its name.
        public var name: String
        /// Where it stands.
        public var state: LabEvent.NodeState
        /// How many times it has booted.
        public var boot: Int
        /// Its QEMU's process id.
        public var pid: Int32?
        /// The serial console's socket of this boot.
        public var console: String?
    }

    init(_ type: Kind, id: Int) { (self.type, self.id) = (type, id) }
}
