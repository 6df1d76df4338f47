public import LabEvents

/// A test as a value: which nodes it needs, and what is done with them.
public struct Scenario: Sendable {
    /// What the command line calls it: letters, digits and `-`.
    public var name: String
    /// What it is to show, in a sentence or two.
    public var intent: String
    /// Words by which scenarios are chosen, such as `smoke`.
    public var tags: Set<String>
    /// The time limits that it has otherwise; see ``Lab/budget(_:)``. One called `scenario` limits the whole.
    public var budgets: [Budget]
    /// Its phases, known before anything runs.
    public var outline: [PhaseOutline]
    /// The nodes and segments for what the command line asked.
    public var topology: @Sendable (Wishes) throws(Problem) -> Topology
    /// Does the phases; throwing fails the run.
    public var execute: @Sendable (Lab, PhaseSession) async throws -> Void
    /// Does the phases that come at the end whatever happened; throwing fails the run.
    public var conclude: @Sendable (Lab, PhaseSession) async throws -> Void

    /// The tag of scenarios whose nodes run k3s.
    public static let k3sTag = "k3s"

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
        /// Whether every network card is to have a cable, so that faults can be injected.
        public var cables: Bool?
        /// How many servers and agents, for scenarios with a cluster.
        public var topology: ClusterSize?
        /// The k3s binary that the guests of a cluster run instead of their image's: a file of the host.
        public var k3s: String?

        /// Wishes; nothing by default.
        public init(
            image: String? = nil, memoryMiB: Int? = nil, vcpus: Int? = nil, nodes: Int? = nil, profile: String? = nil, cables: Bool? = nil,
            topology: ClusterSize? = nil, k3s: String? = nil
        ) {
            (self.image, self.memoryMiB, self.vcpus, self.nodes, self.profile) = (image, memoryMiB, vcpus, nodes, profile)
            (self.cables, self.topology, self.k3s) = (cables, topology, k3s)
        }
    }

    /// A scenario from its parts.
    public init(
        name: String, intent: String, tags: Set<String> = [], budgets: [Budget] = [], outline: [PhaseOutline] = [],
        topology: @escaping @Sendable (Wishes) throws(Problem) -> Topology,
        execute: @escaping @Sendable (Lab, PhaseSession) async throws -> Void = { _, _ in },
        conclude: @escaping @Sendable (Lab, PhaseSession) async throws -> Void = { _, _ in }
    ) {
        (self.name, self.intent, self.tags, self.budgets) = (name, intent, tags, budgets)
        (self.outline, self.topology, self.execute, self.conclude) = (outline, topology, execute, conclude)
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
            remedy: "`vmlab run --list` tells what each shows")
    }

    /// The scenarios that have a tag.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the tags.
    public func scenarios(tagged tag: String) throws(Problem) -> [Scenario] {
        let chosen = scenarios.filter { $0.tags.contains(tag) }
        guard chosen.isEmpty else { return chosen }
        let tags = Set(scenarios.flatMap(\.tags)).sorted().joined(separator: ", ")
        throw Problem(.invalidInput, "no scenario has the tag '\(tag)'", why: tags.isEmpty ? "none has any" : "the tags are \(tags)")
    }
}
