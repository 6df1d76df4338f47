public import LabEvents

/// A test as a value: which nodes it needs, and what is done with them.
public struct Scenario: Sendable {
    /// What the command line calls it: letters, digits and `-`.
    public var name: String
    /// One sentence for lists.
    public var summary: String
    /// The nodes and segments for what the command line asked.
    public var topology: @Sendable (Wishes) throws(Problem) -> Topology
    /// What is done with the lab; throwing fails the run.
    public var body: @Sendable (Lab) async throws -> Void

    /// What the command line may ask of any scenario.
    public struct Wishes: Sendable, Codable, Equatable {
        /// The image of every node, instead of the scenario's own.
        public var image: String?
        /// Memory of every node in MiB.
        public var memoryMiB: Int?
        /// Virtual processors of every node.
        public var vcpus: Int?
        /// How many nodes, for scenarios that can have any number.
        public var nodes: Int?
        /// The network, for scenarios that can have any: the name of a profile, or a file.
        public var profile: String?

        /// Wishes; nothing by default.
        public init(image: String? = nil, memoryMiB: Int? = nil, vcpus: Int? = nil, nodes: Int? = nil, profile: String? = nil) {
            (self.image, self.memoryMiB, self.vcpus, self.nodes, self.profile) = (image, memoryMiB, vcpus, nodes, profile)
        }
    }

    /// A scenario from its parts.
    public init(
        name: String, summary: String, topology: @escaping @Sendable (Wishes) throws(Problem) -> Topology,
        body: @escaping @Sendable (Lab) async throws -> Void
    ) {
        (self.name, self.summary, self.topology, self.body) = (name, summary, topology, body)
    }
}

/// The scenarios that an executable knows.
public struct ScenarioCatalog: Sendable {
    /// In the order of lists.
    public var scenarios: [Scenario]

    /// A catalog.
    public init(_ scenarios: [Scenario]) { self.scenarios = scenarios }

    /// The scenario of a name.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the names.
    public func scenario(named name: String) throws(Problem) -> Scenario {
        if let scenario = scenarios.first(where: { $0.name == name }) { return scenario }
        throw Problem(
            .invalidInput, "there is no scenario '\(name)'", why: "this executable has \(scenarios.map(\.name).joined(separator: ", "))",
            remedy: "`vmlab run --help` tells what each does")
    }
}
