public import LabEvents

/// A phase of a scenario as it is known before anything runs.
public struct PhaseOutline: Sendable, Codable, Equatable {
    /// The names of the phases around it and its own, with `/` between them.
    public var path: String
    /// The phases in it, in their order.
    public var phases: [PhaseOutline]
    /// Whether its failure is only a warning.
    public var isOptional: Bool
    /// Whether it runs at the end whatever happened.
    public var isAlways: Bool
    /// The source file that it is written in.
    public var file: String
    /// The line in that file.
    public var line: Int

    /// A phase from its parts.
    public init(
        path: String, phases: [PhaseOutline] = [], isOptional: Bool = false, isAlways: Bool = false, file: String = "", line: Int = 0
    ) {
        (self.path, self.phases, self.isOptional, self.isAlways) = (path, phases, isOptional, isAlways)
        (self.file, self.line) = (file, line)
    }
}

extension [PhaseOutline] {
    /// The phases without phases in them, in their order.
    var leaves: [PhaseOutline] { flatMap { $0.phases.isEmpty ? [$0] : $0.phases.leaves } }
    /// All phases, each before those in it.
    var all: [PhaseOutline] { flatMap { [$0] + $0.phases.all } }

    /// The phase that a word on a command line means: a path, or the end of one that no other phase shares.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that lists the phases.
    public func phase(_ word: String) throws(Problem) -> PhaseOutline {
        if let phase = all.first(where: { $0.path == word }) { return phase }
        let candidates = all.filter { $0.path.hasSuffix("/" + word) }
        if let only = candidates.first, candidates.count == 1 { return only }
        let known = (candidates.isEmpty ? all : candidates).map { "'\($0.path)'" }.joined(separator: ", ")
        throw Problem(
            .invalidInput, candidates.isEmpty ? "there is no phase '\(word)'" : "'\(word)' is the name of several phases",
            why: known.isEmpty ? "the scenario has no phases" : "the phases are \(known)", remedy: "give one of these")
    }
}
