public import LabEvents

/// What happens while variants are built and registered.
public enum VariantBuildEvent: Sendable, Equatable {
    /// The registry has this variant from the same inputs: nothing is built.
    case upToDate(variant: String, generation: Int)
    /// Another process builds in the same folder, or changes the registry; this one waits for it. `holder` is its process id, where known.
    case waiting(variant: String, holder: String?)
    /// Build `number` of `count` starts; `why` says why it is needed, and `log` is where its output goes.
    case started(variant: String, number: Int, count: Int, why: String, log: String)
    /// What the builder says it is doing.
    case activity(variant: String, text: String)
    /// The builder ended well without writing the output `missing`: it is told to make the outputs again.
    case again(variant: String, missing: String)
    /// Nothing was heard from the builder for so many seconds.
    case silent(variant: String, seconds: Int, hint: String?)
    /// The files were taken over: the generation is the variant's newest.
    case registered(variant: String, generation: Int, isUnchanged: Bool, seconds: Double, bytes: Int64, diskBytes: Int64)
    /// The variant was not built, or its files were refused.
    case failed(variant: String, problem: Problem, log: String?)
}

/// What became of each variant that was to be built.
public struct VariantBuildReport: Sendable, Codable, Equatable {
    /// The variants in the order of the matrix.
    public var variants: [Entry]

    /// Whether every variant is in the registry as it should be.
    public var isComplete: Bool { variants.allSatisfy { $0.outcome != .failed && $0.outcome != .notReached } }

    /// What became of one variant.
    public struct Entry: Sendable, Codable, Equatable {
        /// The variant's id.
        public var variant: String
        /// What became of it.
        public var outcome: Outcome
        /// Why it was built, or would be.
        public var why: String?
        /// Its newest generation.
        public var generation: Int?
        /// The SHA-256 of each file by its name.
        public var artifacts: [String: String]?
        /// The wall time of build and registration, seconds.
        public var seconds: Double?
        /// By how much the free space of the builder's file system shrank meanwhile, bytes; other programs count too.
        public var diskBytes: Int64?
        /// What went wrong.
        public var problem: Problem?
        /// The path of the build's log.
        public var log: String?
    }

    /// What can become of a variant.
    public enum Outcome: String, Sendable, Codable {
        /// The registry has it from the same inputs.
        case upToDate = "up-to-date"
        /// It was built, and is registered as a new generation.
        case registered
        /// It was built; the registry had the same files already.
        case unchanged
        /// It would be built; nothing is, because that was only asked.
        case wouldBuild = "would-build"
        /// It was not built, or its files were refused.
        case failed
        /// An interruption came first.
        case notReached = "not-reached"
    }
}
