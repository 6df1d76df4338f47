public import LabEvents

/// What each node gets of the host, and why.
public struct ResourcePlan: Codable, Sendable, Equatable {
    /// The shares, in the order of the topology's nodes.
    public internal(set) var nodes: [Share]
    /// How many nodes may be booting at the same time, at least 1.
    public internal(set) var concurrentBoots: Int
    /// Where the RAM files live.
    public internal(set) var ram: RAMPlace
    /// Whether the memory is not there yet, so that each node has to wait for its own before it starts.
    public internal(set) var waitsForMemory: Bool
    /// Everything that was decided, with reasons.
    public internal(set) var decisions: [LabEvent.Decision]
    /// Those of ``decisions`` that a person should hear of unasked.
    public internal(set) var warnings: [LabEvent.Decision]
    /// The plan in one line, for example `2 nodes × (1 vCPU, 128 MiB) on 2 CPUs, tcg, pace 1.8`.
    public internal(set) var summary: String

    /// What one node gets.
    public struct Share: Codable, Sendable, Equatable {
        /// The node's name.
        public var node: String
        /// Virtual processors, at least 1.
        public var vcpus: Int
        /// Memory in MiB.
        public var memoryMiB: Int

        /// A share from its parts.
        public init(node: String, vcpus: Int, memoryMiB: Int) {
            self.node = node
            self.vcpus = vcpus
            self.memoryMiB = memoryMiB
        }
    }

    /// Where RAM files can live.
    public enum RAMPlace: String, Codable, Sendable, CaseIterable {
        /// A folder in /dev/shm.
        case sharedMemory
        /// The run's own folder, on disk; slower.
        case runFolder
    }
}

/// What a user may say about planning.
public struct PlanOptions: Codable, Sendable, Equatable {
    /// Whether nodes wait for memory that others use now, instead of being refused.
    public var waitForMemory: Bool

    /// Options; nothing is asked for by default.
    public init(waitForMemory: Bool = false) { self.waitForMemory = waitForMemory }
}
