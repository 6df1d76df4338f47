/// What a server shows to whoever asks while its etcd has no quorum (k3s-io/k3s keeps its API up, or starts again and again until etcd has a leader).
public struct QuorumLoss: Sendable, Equatable {
    /// The status of a write; 0 when no answer came in time.
    public var write: Int
    /// The status of `/readyz?verbose`; 0 when no answer came in time.
    public var readyz: Int
    /// The checks of it that failed; empty for an answer that has none, such as `apiserver not ready`.
    public var failed: [String]
    /// Whether etcd says that it has a leader; nil when it says nothing.
    public var hasLeader: Bool?

    /// What was seen, from its parts.
    ///
    /// - Parameters:
    ///   - write: the status of a write.
    ///   - readyz: what `/readyz?verbose` answered.
    ///   - metrics: what etcd told on port 2381; nil when it told nothing.
    public init(write: Int, readyz: (status: Int, body: String), metrics: EtcdMetrics?) {
        (self.write, self.readyz) = (write, readyz.status)
        failed = HealthReport(readyz.body)?.failed ?? []
        hasLeader = metrics?.hasLeader
    }

    /// Why this is not what a server without a quorum shows; nil when it is.
    ///
    /// The write must not be taken; `/readyz` must name etcd, or the API server must be down, as after the loss of a lease; and etcd itself must have no leader.
    public var problem: String? {
        if (200..<300).contains(write) { return "the write was taken" }
        guard [0, 500, 503, 504].contains(write) else { return "the write was refused for another reason" }
        if readyz == 200 { return "/readyz is well" }
        if !failed.isEmpty, !failed.contains(where: { $0.hasPrefix("etcd") }) { return "/readyz fails, and not because of etcd" }
        switch hasLeader {
        case nil: return "etcd tells nothing"
        case true?: return "etcd has a leader"
        case false?: return nil
        }
    }

    /// `a write: no answer; /readyz: 500, failed etcd; etcd has no leader`.
    public var text: String {
        func status(_ number: Int) -> String { number == 0 ? "no answer" : "\(number)" }
        let leader = hasLeader.map { $0 ? "etcd has a leader" : "etcd has no leader" } ?? "etcd tells nothing"
        return "a write: \(status(write)); /readyz: \(status(readyz))"
            + (failed.isEmpty ? "" : ", failed " + failed.joined(separator: ", ")) + "; \(leader)"
    }
}
