/// What a check answers. That something is not so, and that it could not be asked, are different answers: neither a wait nor its opposite ends with the latter.
public struct Answer: Sendable, Equatable, CustomStringConvertible {
    /// The three answers.
    public enum Kind: String, Sendable, Codable {
        /// It is so.
        case yes
        /// It is not so.
        case no
        /// Nobody knows: the check itself did not work.
        case couldNotAsk = "could not ask"

        var opposite: Kind {
            switch self {
            case .yes: .no
            case .no: .yes
            case .couldNotAsk: .couldNotAsk
            }
        }
    }

    /// Which.
    public var kind: Kind
    /// What was seen, or why it could not be asked; a few words or lines.
    public var observation: String?
    /// No later answer will be another one.
    public var isFinal = false

    /// It is so.
    public static func yes(_ observation: String? = nil) -> Answer { Answer(kind: .yes, observation: observation) }

    /// It is not so.
    ///
    /// - Parameter isFinal: it can no longer come.
    public static func no(_ observation: String? = nil, isFinal: Bool = false) -> Answer {
        Answer(kind: .no, observation: observation, isFinal: isFinal)
    }

    /// It could not be asked.
    ///
    /// - Parameter isFinal: asking again is of no use.
    public static func couldNotAsk(_ reason: String, isFinal: Bool = false) -> Answer {
        Answer(kind: .couldNotAsk, observation: reason, isFinal: isFinal)
    }

    /// `no: exit 1`.
    public var description: String { kind.rawValue + (observation.map { ": " + $0 } ?? "") }
}
