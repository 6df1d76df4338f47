/// The eight bits that each end says of itself and of what it knows of the other (IEEE 802.1AX-2014, 6.4.2.3 item m).
///
/// Linux prints the same number as "port state": 61 (0x3D) is a slow port that collects and distributes, 63 (0x3F) a fast one.
public struct LACPState: OptionSet, Sendable, Hashable, Codable, CustomStringConvertible {
    /// The byte on the wire.
    public let rawValue: UInt8

    /// A state from its byte.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It speaks first; without it, it only answers.
    public static let activity = LACPState(rawValue: 1)
    /// It wants to hear something every second, and takes 3 s of silence for a loss; without it 30 s and 90 s.
    public static let shortTimeout = LACPState(rawValue: 2)
    /// The link may be one of several of an aggregator; without it, it stays alone.
    public static let aggregation = LACPState(rawValue: 4)
    /// The link is in the right aggregator.
    public static let synchronization = LACPState(rawValue: 8)
    /// Frames that come in are taken.
    public static let collecting = LACPState(rawValue: 16)
    /// Frames are sent.
    public static let distributing = LACPState(rawValue: 32)
    /// What is known of the far end was not heard from it.
    public static let defaulted = LACPState(rawValue: 64)
    /// The far end is silent for longer than it should be.
    public static let expired = LACPState(rawValue: 128)

    private static let names = [
        "activity", "short-timeout", "aggregation", "synchronization", "collecting", "distributing", "defaulted", "expired",
    ]

    /// The names of the bits that are set.
    public var description: String {
        Self.names.indices.filter { rawValue >> $0 & 1 == 1 }.map { Self.names[$0] }.joined(separator: " ")
    }
}
