/// What ``VMLab/Node/preWarmTCP(to:port:isRequired:file:line:)`` saw.
public struct PreWarmReport: Sendable, Codable, Equatable {
    /// Where it connected to.
    public var host: String
    /// The TCP port.
    public var port: Int
    /// What the guest's neighbour table (ARP, or NDP) said of the next hop before its entry was removed; nil when it had none.
    public var neighbourBefore: String?
    /// How long each connection took, in seconds, in their order; nil for one that failed.
    public var connections: [Double?]
    /// Why the last connection that failed did.
    public var lastError: String?
    /// The last two connections were fast.
    public var isWarm: Bool

    /// How long the first connection took that was made, in seconds, with the failed ones before it.
    public var firstSeconds: Double?
    /// How long the last connection took, in seconds.
    public var lastSeconds: Double? { connections.last ?? nil }
    /// Whether it made a difference: the first one took at least a second, and at least five times as long as the last.
    public var mattered: Bool {
        guard let firstSeconds, let lastSeconds else { return false }
        return firstSeconds >= 1 && firstSeconds >= 5 * lastSeconds
    }
}
