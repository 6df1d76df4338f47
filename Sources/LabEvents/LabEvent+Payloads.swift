extension LabEvent {
    /// The payload of ``Kind/runStarted(_:)``.
    public struct RunStarted: Sendable, Codable, Equatable {
        /// The run id.
        public var run: String
        /// The scenario's name.
        public var scenario: String
        /// The digest of the lab plan.
        public var plan: String
        /// The names of the nodes, in the plan's order.
        public var nodes: [String]
        /// The process id of the owner.
        public var owner: Int32
        /// Where random choices start.
        public var seed: UInt64?
        /// `kvm` or `tcg`.
        public var accelerator: String?
        /// The name of the network's profile.
        public var profile: String?

        /// The payload from its parts.
        public init(
            run: String, scenario: String, plan: String, nodes: [String], owner: Int32, seed: UInt64? = nil, accelerator: String? = nil,
            profile: String? = nil
        ) {
            (self.run, self.scenario, self.plan, self.nodes, self.owner) = (run, scenario, plan, nodes, owner)
            (self.seed, self.accelerator, self.profile) = (seed, accelerator, profile)
        }
    }

    /// Where a lab stands.
    public enum LabState: String, Sendable, Codable, CaseIterable {
        /// The plan is made; images are looked up or built.
        case planning
        /// Switches and machines are started.
        case booting
        /// The scenario runs.
        case running
        /// The scenario waits until somebody lets it go on.
        case paused
        /// The scenario has ended and the lab stays.
        case kept
        /// Everything is being ended.
        case tearingDown
        /// Nothing of the lab is left.
        case down
    }

    /// The payload of ``Kind/lab(_:)``.
    public struct LabChange: Sendable, Codable, Equatable {
        /// The state that was reached.
        public var state: LabState
        /// Why, where that is not obvious.
        public var reason: String?

        /// The payload from its parts.
        public init(state: LabState, reason: String? = nil) { (self.state, self.reason) = (state, reason) }
    }

    /// The payload of ``Kind/image(_:)``.
    public struct ImageProgress: Sendable, Codable, Equatable {
        /// The image's name.
        public var image: String
        /// What happens to it.
        public var text: String
        /// Whether a line that only shows progress is meant, which the next one replaces.
        public var isTransient: Bool

        /// The payload from its parts.
        public init(image: String, text: String, isTransient: Bool = false) {
            (self.image, self.text, self.isTransient) = (image, text, isTransient)
        }
    }

    /// The payload of ``Kind/decision(_:)``.
    public struct Decision: Sendable, Codable, Equatable {
        /// What was decided about, such as `vCPUs of server-1`.
        public var subject: String
        /// The decision.
        public var value: String
        /// Why.
        public var reason: String

        /// The payload from its parts.
        public init(subject: String, value: String, reason: String) { (self.subject, self.value, self.reason) = (subject, value, reason) }
    }

    /// Where a node stands.
    public enum NodeState: String, Sendable, Codable, CaseIterable {
        /// It has not been started, or it is off.
        case off
        /// It waits for memory or for its turn to boot.
        case waiting
        /// Its machine runs and the guest does not obey yet.
        case booting
        /// The guest obeys.
        case ready
        /// Its processors stand still.
        case paused
        /// Its kernel panicked.
        case panicked
        /// Its machine ended unasked.
        case lost

        /// Whether a machine belongs to the state.
        public var isOn: Bool {
            switch self {
            case .booting, .ready, .paused, .panicked: true
            case .off, .waiting, .lost: false
            }
        }
    }

    /// The payload of ``Kind/node(_:)``.
    public struct NodeChange: Sendable, Codable, Equatable {
        /// The state that was reached.
        public var state: NodeState
        /// The number of the boot, from 1; 0 before the first.
        public var boot: Int
        /// Why, or what is waited for.
        public var detail: String?
        /// Seconds that the state took to reach: for `ready`, since the boot began.
        public var seconds: Double?

        /// The payload from its parts.
        public init(state: NodeState, boot: Int, detail: String? = nil, seconds: Double? = nil) {
            (self.state, self.boot, self.detail, self.seconds) = (state, boot, detail, seconds)
        }
    }

    /// The payload of ``Kind/console(_:)``.
    public struct ConsoleLine: Sendable, Codable, Equatable {
        /// The boot that wrote it, from 1.
        public var boot: Int
        /// The line without its end.
        public var line: String

        /// The payload from its parts.
        public init(boot: Int, line: String) { (self.boot, self.line) = (boot, line) }
    }

    /// The payload of ``Kind/machine(_:)``.
    public struct MachineEvent: Sendable, Codable, Equatable {
        /// QEMU's name of the event, such as `RESET`, or ours where QEMU has none.
        public var name: String
        /// Its data in words.
        public var detail: String?

        /// The payload from its parts.
        public init(name: String, detail: String? = nil) { (self.name, self.detail) = (name, detail) }
    }

    /// The payload of ``Kind/process(_:)``.
    public struct ProcessChange: Sendable, Codable, Equatable {
        /// What the process is: `qemu`, `switch`, `watchdog`.
        public var role: String
        /// The name of its node or segment.
        public var name: String
        /// Its process id.
        public var pid: Int32
        /// How it ended; nil when it started.
        public var end: String?

        /// The payload from its parts.
        public init(role: String, name: String, pid: Int32, end: String? = nil) {
            (self.role, self.name, self.pid, self.end) = (role, name, pid, end)
        }
    }

    /// How a step stands.
    public enum StepState: String, Sendable, Codable, CaseIterable {
        /// It began.
        case started
        /// It ended well.
        case passed
        /// It failed; the event's `problem` says why.
        case failed
    }

    /// The payload of ``Kind/step(_:)``.
    public struct StepChange: Sendable, Codable, Equatable {
        /// The step's name.
        public var step: String
        /// How it stands.
        public var state: StepState
        /// How long it took, in seconds, once it has ended.
        public var seconds: Double?
        /// What it found, in one line.
        public var detail: String?
        /// The source file that the step is written in.
        public var file: String?
        /// The line in that file.
        public var line: Int?

        /// The payload from its parts.
        public init(step: String, state: StepState, seconds: Double? = nil, detail: String? = nil, file: String? = nil, line: Int? = nil) {
            (self.step, self.state, self.seconds, self.detail, self.file, self.line) = (step, state, seconds, detail, file, line)
        }
    }

    /// The payload of ``Kind/command(_:)``.
    public struct CommandRun: Sendable, Codable, Equatable {
        /// The command as it was given, at most 1 KiB of it.
        public var command: String
        /// How it ended, such as `exit 0`; for a command that never ended, why.
        public var outcome: String
        /// Wall time on the host, in seconds.
        public var seconds: Double
        /// The last lines of its output, at most 1 KiB; nil when it wrote nothing.
        public var output: String?

        /// The payload from its parts.
        public init(command: String, outcome: String, seconds: Double, output: String? = nil) {
            (self.command, self.outcome, self.seconds, self.output) = (command, outcome, seconds, output)
        }
    }

    /// The payload of ``Kind/message(_:)``.
    public struct Message: Sendable, Codable, Equatable {
        /// The remark, one or more lines.
        public var text: String

        /// The payload.
        public init(text: String) { self.text = text }
    }

    /// The payload of ``Kind/problem(_:)``: a ``Problem``'s parts.
    public struct ProblemReport: Sendable, Codable, Equatable {
        /// The problem.
        public var problem: Problem

        /// The payload.
        public init(_ problem: Problem) { self.problem = problem }
    }

    /// The payload of ``Kind/takeover(_:)``.
    public struct Takeover: Sendable, Codable, Equatable {
        /// The build that owns the lab now.
        public var build: String
        /// The build that owned it before.
        public var previous: String

        /// The payload from its parts.
        public init(build: String, previous: String) { (self.build, self.previous) = (build, previous) }
    }

    /// How a run ended.
    public enum Outcome: String, Sendable, Codable, CaseIterable {
        /// The scenario passed.
        case passed
        /// The scenario failed.
        case failed
        /// The host was unfit, or something of it was busy, or the input was not acceptable after all.
        case notRun
        /// A signal or a request ended it.
        case interrupted
        /// Its owner died.
        case ownerLost
    }

    /// The payload of ``Kind/runFinished(_:)``.
    public struct RunFinished: Sendable, Codable, Equatable {
        /// How it ended.
        public var outcome: Outcome
        /// The exit code of the run.
        public var exitCode: Int32
        /// Seconds from the start of the owner.
        public var seconds: Double
        /// Why it did not pass.
        public var cause: String?

        /// The payload from its parts.
        public init(outcome: Outcome, exitCode: Int32, seconds: Double, cause: String? = nil) {
            (self.outcome, self.exitCode, self.seconds, self.cause) = (outcome, exitCode, seconds, cause)
        }
    }
}
