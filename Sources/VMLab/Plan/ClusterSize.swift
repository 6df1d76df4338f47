/// How many servers and agents a cluster has: `2+1` in words.
public struct ClusterSize: Sendable, Equatable, Codable, CustomStringConvertible {
    /// The servers, at least 1.
    public var servers: Int
    /// The agents.
    public var agents: Int

    /// A size from its parts.
    public init(servers: Int, agents: Int = 0) { (self.servers, self.agents) = (servers, agents) }

    /// From `2+1`, or `2` without agents; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "+", omittingEmptySubsequences: false).map { $0.allSatisfy(\.isNumber) ? Int($0) : nil }
        guard (1...2).contains(parts.count), let servers = parts[0], servers > 0, parts.count == 1 || parts[1] != nil else { return nil }
        self.init(servers: servers, agents: parts.count == 2 ? parts[1] ?? 0 : 0)
    }

    /// `2+1`.
    public var description: String { agents == 0 ? "\(servers)" : "\(servers)+\(agents)" }

    /// The number of nodes of each role of a profile.
    public var roles: [(role: String, count: Int)] { [("server", servers), ("agent", agents)] }
}
