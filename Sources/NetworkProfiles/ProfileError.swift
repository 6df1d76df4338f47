public import LabEvents

/// A profile that is not acceptable, with everything that is wrong with it.
public struct ProfileError: Error, Sendable, CustomStringConvertible {
    /// Each mistake, in the order of the file's lines; at least one.
    public let problems: [Problem]

    /// An error of these mistakes.
    public init(problems: [Problem]) { self.problems = problems }

    /// The first mistake, which says how many more there are.
    public var problem: Problem {
        var first = problems.first ?? Problem(.invalidInput, "the network profile is not acceptable")
        let more = problems.count - 1
        if more > 0 {
            let note = "\(more) more \(more == 1 ? "mistake" : "mistakes") in this profile; `vmlab profile check` prints all"
            first.remedy = [first.remedy, note].compactMap { $0 }.joined(separator: "\n")
        }
        return first
    }

    /// All mistakes, each in its own lines.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
