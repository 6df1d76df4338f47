import FoundationEssentials
import LabEvents

/// What a run is to do, as the viewer hands it to the owner.
public struct RunRequest: Sendable, Codable, Equatable {
    /// When the lab stays after the scenario.
    public enum Keep: String, Sendable, Codable {
        /// Never.
        case never
        /// When the scenario failed.
        case onFailure
        /// Always.
        case always
    }

    /// The scenario's name.
    public var scenario: String
    /// What was asked of it.
    public var wishes: Scenario.Wishes
    /// When the lab stays.
    public var keep: Keep
    /// Whether the run goes on without a viewer.
    public var isDetached: Bool
    /// Seconds that the scenario may take; nil for no limit.
    public var timeout: Double?
    /// `kvm` or `tcg`; nil for what the host can do.
    public var accelerator: String?
    /// How planning goes.
    public var options: PlanOptions
    /// Where random choices start.
    public var seed: UInt64
    /// Which phases run, and where the run waits.
    public var phases = PhaseRequest()
    /// Names of the owner's variables whose values must never be written.
    public var secrets: [String] = []

    /// Writes the request where the owner finds it.
    public func write(to run: RunDirectory) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(Array(try encoder.encode(self)), to: run.path + "/request.json", redactor: Redactor())
    }

    /// A request.
    public init(
        scenario: String, wishes: Scenario.Wishes = Scenario.Wishes(), keep: Keep = .never, isDetached: Bool = false,
        timeout: Double? = nil,
        accelerator: String? = nil, options: PlanOptions = PlanOptions(), seed: UInt64
    ) {
        self.scenario = scenario
        self.wishes = wishes
        self.keep = keep
        self.isDetached = isDetached
        self.timeout = timeout
        self.accelerator = accelerator
        self.options = options
        self.seed = seed
    }
}

/// Why a run was ended from outside.
enum StopReason: Error, Sendable, Equatable {
    /// A signal that the viewer or the owner got.
    case signal(Int32, to: String)
    /// The viewer is gone and said nothing.
    case viewerGone
    /// Somebody asked for it.
    case request(String)
    /// The run directory cannot be written.
    case unfit(Problem)

    var description: String {
        switch self {
        case .signal(let number, let receiver): "\(receiver) got \(Self.name(number))"
        case .viewerGone: "the viewer is gone"
        case .request(let reason): reason
        case .unfit(let problem): problem.what
        }
    }

    /// The exit code of a run that ends so.
    var exitCode: Int32 {
        switch self {
        case .signal(let number, _): 128 + number
        // Nobody is there to see it; as if the terminal had been closed.
        case .viewerGone: 129
        case .request: 143
        case .unfit(let problem): problem.exitCode
        }
    }

    private static func name(_ number: Int32) -> String {
        [1: "SIGHUP", 2: "SIGINT", 13: "SIGPIPE", 15: "SIGTERM"][number] ?? "signal \(number)"
    }
}
