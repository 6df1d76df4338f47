import LabEvents

/// How patient the members of an etcd cluster are with each other.
public struct EtcdTimes: Sendable, Equatable, Codable {
    /// How often the leader is heard, in milliseconds.
    public var heartbeat: Int
    /// After how long without it a new one is elected, in milliseconds.
    public var election: Int

    /// Times from their parts, in milliseconds.
    public init(heartbeat: Int, election: Int) { (self.heartbeat, self.election) = (heartbeat, election) }

    /// k3s's own (`pkg/etcd/etcd.go:cluster`), which differ from etcd's 100 and 1000 ms.
    public static let usual = EtcdTimes(heartbeat: 500, election: 5000)

    /// The usual times a factor, by which a slow host is slower; never less than the usual ones. etcd accepts an election timeout of at most 50 s.
    public static func scaled(by pace: Double) -> EtcdTimes {
        guard pace > 1 else { return usual }
        let heartbeat = min(5000, Int((500 * pace / 100).rounded(.up)) * 100)
        return EtcdTimes(heartbeat: heartbeat, election: heartbeat * 10)
    }

    /// k3s's options for them; none for the usual ones, which it has anyway.
    public var flags: [String] {
        self == .usual ? [] : ["--etcd-arg=heartbeat-interval=\(heartbeat)", "--etcd-arg=election-timeout=\(election)"]
    }
}
