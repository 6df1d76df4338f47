import LabEvents
public import Phases
import Synchronization
public import VMLab

extension LabCluster {
    /// Waits until the members of etcd are the given servers, all vote, agree on a leader, and its term stays.
    ///
    /// - Parameters:
    ///   - expected: the members' nodes; all servers when nil.
    ///   - lost: those of them that cannot be heard now: the others agree without them.
    ///   - server: who is asked; when nil the first server that is not lost.
    /// - Returns: what etcd then is; with lost nodes, as the others tell it.
    @discardableResult
    public func waitForEtcd(
        _ expected: [Node]? = nil, without lost: [Node] = [], asking server: Node? = nil, _ budget: Budget = .etcdMembers
    ) async throws -> EtcdReport {
        let (names, gone) = ((expected ?? servers).map(\.name), lost.map(\.name))
        let asked = try server ?? servers.first { $0.state == .ready && !gone.contains($0.name) } ?? spokesman
        let last = Mutex<EtcdReport?>(nil)
        let what = gone.isEmpty ? "" : ", and goes on without \(gone.joined(separator: ", "))"
        let condition = Condition("\(asked.name): etcd has the members \(names.joined(separator: ", "))\(what)", on: asked) {
            let whole = try await etcd(asking: asked)
            let report = gone.isEmpty ? whole : whole.told(by: names.filter { !gone.contains($0) })
            let before = last.withLock { last in
                defer { last = report }
                return last?.term
            }
            let problems = report.problems(expecting: names, without: gone)
            guard problems.isEmpty else { return .no(problems.joined(separator: "; ")) }
            if let before, let term = report.term, before != term { return .no("a new leader was elected: term \(before), then \(term)") }
            return .yes(report.text)
        }
        // Longer than a heartbeat that is lost; an election that goes on shows in the term.
        try await condition.wait(budget, settle: .milliseconds(2 * etcdTimes.heartbeat))
        guard let report = last.withLock({ $0 }) else { throw Problem(.failure, "etcd was not asked") }
        return report
    }

    /// Waits until a server shows that its etcd has lost its quorum; see ``hasNoQuorum(_:)``.
    ///
    /// - Returns: what was seen.
    @discardableResult
    public func waitForQuorumLoss(on server: Node, _ budget: Budget = .quorumLoss) async throws -> String {
        try await hasNoQuorum(server).wait(budget).observation ?? ""
    }

    /// That a server takes no writes, and that the loss of etcd's quorum is why; see ``QuorumLoss``.
    public func hasNoQuorum(_ server: Node) -> Condition {
        Condition("\(server.name) takes no writes, for want of a quorum", on: server) {
            let loss = try await quorumLoss(on: server)
            return loss.problem.map { .no("\($0): \(loss.text)") } ?? .yes(loss.text)
        }
    }

    /// That a server takes no writes, whatever the reason; also while it starts again, as it does when it lost a lease with the quorum.
    public func refusesWrites(_ server: Node) -> Condition {
        Condition("\(server.name) takes no writes", on: server) {
            let status = try await statusOfWrite(on: server)
            return (200..<300).contains(status) ? .no("the write was taken") : .yes(status == 0 ? "no answer" : "status \(status)")
        }
    }

    /// What a server shows now to a write, of its readiness, and of its etcd.
    public func quorumLoss(on server: Node) async throws -> QuorumLoss {
        let write = try await statusOfWrite(on: server)
        let readyz = try await get("/readyz?verbose", asking: server)
        let metrics = try await server.ask("curl -s --max-time 5 http://127.0.0.1:2381/metrics || :")
        return QuorumLoss(write: write, readyz: readyz, metrics: EtcdMetrics(metrics))
    }

    private func statusOfWrite(on server: Node) async throws -> Int {
        let record = try Self.record("refused", "vmlab-refused")
        let status = try await request("POST", "/api/v1/namespaces/default/configmaps", body: record, asking: server).status
        // It was there before: etcd was asked, and answered.
        return status == 409 ? 200 : status
    }
}

extension LabCluster {
    /// The server that leads etcd now.
    ///
    /// - Throws: a ``Problem`` when the members agree on none.
    public func leader() async throws -> Node {
        let report = try await waitForEtcd()
        if let name = report.leader?.node, let node = servers.first(where: { $0.name == name }) { return node }
        throw Problem(.failure, "etcd has no leader among the servers", why: report.text)
    }
}
