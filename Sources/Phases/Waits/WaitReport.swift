/// What a wait came to.
public struct WaitReport: Sendable, Codable, Equatable {
    /// What was waited for, such as `a: port 6443 is open`.
    public var what: String
    /// Wall time in seconds.
    public var seconds: Double
    /// How many times it was asked, or how many lines were read.
    public var tries: Int
    /// What was seen last.
    public var observation: String?

    /// A report from its parts.
    public init(what: String, seconds: Double, tries: Int, observation: String? = nil) {
        (self.what, self.seconds, self.tries, self.observation) = (what, seconds, tries, observation)
    }
}
