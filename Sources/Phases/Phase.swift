import LabEvents
public import VMLab

/// A named part of a scenario.
public struct Phase: Sendable {
    /// What it does.
    enum Body: Sendable {
        /// Something with the lab; gives what it found, in a few words, or nil.
        case once(@Sendable (Lab) async throws -> String?)
        /// The same with each of several nodes, all at once.
        case parallel(NodeSelection, @Sendable (Node, Lab) async throws -> String?)
        /// Phases, one after the other.
        case group([Phase])
    }

    /// Its name, without `/`; different from those of the phases beside it.
    public var name: String
    let body: Body
    let file: String
    let line: Int
    var isOptional = false
    var isAlways = false
    var repetitions = 1
    var features: [NetworkFeature] = []
    var expectation: Expectation?
    var captured: [String] = []

    /// How a phase is meant to fail.
    struct Expectation: Sendable {
        var pattern: String
        var reason: String
    }

    private init(_ name: String, _ body: Body, file: String, line: Int) {
        (self.name, self.body, self.file, self.line) = (name, body, file, line)
    }

    /// A phase that does something with the lab.
    ///
    /// - Parameter body: fails the phase by throwing; a text that it gives is what the phase found. ``Skip`` thrown leaves the phase out.
    public init<Result>(
        _ name: String, file: String = #fileID, line: Int = #line, body: @escaping @Sendable (Lab) async throws -> Result
    ) {
        self.init(name, .once { lab in try await body(lab) as? String }, file: file, line: line)
    }

    /// A phase of phases, which run one after the other until one fails.
    public init(_ name: String, file: String = #fileID, line: Int = #line, @PhaseBuilder phases: () -> [Phase]) {
        self.init(name, .group(phases()), file: file, line: line)
    }

    /// A phase that does the same with several nodes at once. It ends when all have, and fails when one failed.
    ///
    /// - Parameters:
    ///   - nodes: which; a lab that has none leaves the phase out.
    ///   - body: what is done with each.
    public static func parallel<Result>(
        _ name: String, for nodes: NodeSelection = .cluster, file: String = #fileID, line: Int = #line,
        body: @escaping @Sendable (Node) async throws -> Result
    ) -> Phase {
        Phase(name, .parallel(nodes) { node, _ in try await body(node) as? String }, file: file, line: line)
    }

    /// As ``parallel(_:for:file:line:body:)-(_,_,_,_,(Node)->Result)``, for a body that looks at the rest of the lab too.
    public static func parallel<Result>(
        _ name: String, for nodes: NodeSelection = .cluster, file: String = #fileID, line: Int = #line,
        body: @escaping @Sendable (Node, Lab) async throws -> Result
    ) -> Phase {
        Phase(name, .parallel(nodes) { node, lab in try await body(node, lab) as? String }, file: file, line: line)
    }

    /// The phases in it.
    var phases: [Phase] { if case .group(let phases) = body { phases } else { [] } }
}

extension Phase {
    /// The same, whose failure is a warning.
    public func optional() -> Phase { with { $0.isOptional = true } }

    /// The same, several times; the first failure ends it.
    public func repeated(_ times: Int) -> Phase { with { $0.repetitions = times } }

    /// The same, left out by design on a network that lacks one of these.
    public func requires(_ features: NetworkFeature...) -> Phase { with { $0.features += features } }

    /// The same, which passes only by failing as it is meant to. That it passes, or fails otherwise, is a failure.
    ///
    /// - Parameters:
    ///   - pattern: a regular expression that must be found in the text of the ``LabEvents/Problem``.
    ///   - reason: why it is meant to fail.
    public func expectedToFail(matching pattern: String, because reason: String) -> Phase {
        with { $0.expectation = Expectation(pattern: pattern, reason: reason) }
    }

    /// The same, at the end of the scenario whatever happened: also after a failure, and after a stop as far as the time allows. Not in another phase.
    public func always() -> Phase { with { $0.isAlways = true } }

    /// The same, with the frames of network cards in a file of the run directory that has the phase's name: `network/capture-PHASE.pcapng`, and for a repetition
    /// `PHASE-2`.
    ///
    /// - Parameter what: network cards (`NODE.CARD`), bonds (all their legs), segments and nodes (all their cards), trunks with a cable.
    public func capturing(_ what: String...) -> Phase { with { $0.captured += what } }

    private func with(_ change: (inout Phase) -> Void) -> Phase {
        var phase = self
        change(&phase)
        return phase
    }
}

/// Puts phases in a list; `if`, `switch` and `for` may be among them.
@resultBuilder public enum PhaseBuilder {
    /// One phase.
    public static func buildExpression(_ phase: Phase) -> [Phase] { [phase] }
    /// Phases that a function gave.
    public static func buildExpression(_ phases: [Phase]) -> [Phase] { phases }
    /// One after the other.
    public static func buildBlock(_ parts: [Phase]...) -> [Phase] { parts.flatMap(\.self) }
    /// `if` without `else`.
    public static func buildOptional(_ phases: [Phase]?) -> [Phase] { phases ?? [] }
    /// `if`.
    public static func buildEither(first phases: [Phase]) -> [Phase] { phases }
    /// `else`.
    public static func buildEither(second phases: [Phase]) -> [Phase] { phases }
    /// `for`.
    public static func buildArray(_ parts: [[Phase]]) -> [Phase] { parts.flatMap(\.self) }
}

/// Thrown in a phase to leave it out.
public struct Skip: Error {
    let kind: Verdict.Skip
    let reason: String

    /// What the phase needs is not there, such as a tool in the guest.
    public static func missing(_ reason: String) -> Skip { Skip(kind: .missing, reason: reason) }
    /// There is nothing to show on this lab.
    public static func byDesign(_ reason: String) -> Skip { Skip(kind: .byDesign, reason: reason) }
}
