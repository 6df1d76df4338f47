import LabEvents
import Phases
import Synchronization
public import VMLab

extension LabCluster {
    /// Waits until a server renews the lease of Kubernetes' controllers. k3s ends on it when it cannot do so for 10 s.
    ///
    /// - Returns: that server.
    /// - Throws: a ``LabEvents/Problem`` when nobody does.
    public func waitForLeaseHolder(_ budget: Budget = .clusterNodes) async throws -> Node {
        let seen = Mutex<(lease: ClusterLease?, holder: Node?)>((nil, nil))
        let condition = Condition("a server renews the lease of the controllers", on: try primary) {
            let (status, body) = try await get("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager")
            guard status == 200 else { return .couldNotAsk("status \(status): \(body.prefix(200))") }
            let lease = try ClusterLease(Array(body.utf8))
            guard let holder = servers.first(where: { $0.name == lease.host }) else {
                return .no("its holder is \(lease.identity ?? "nobody")")
            }
            // One that is as it was may be that of a k3s that has ended.
            return seen.withLock { seen in
                defer { seen = (lease, holder) }
                let isRenewed = seen.lease.map { $0.identity == lease.identity && $0.renewed != lease.renewed } ?? false
                return isRenewed ? .yes(lease.identity) : .no("\(holder.name) has not renewed it since")
            }
        }
        try await condition.wait(budget)
        guard let holder = seen.withLock({ $0.holder }) else { throw Problem(.failure, "the lease was not asked for") }
        return holder
    }

    /// Does something and makes sure that etcd has the same leader, in the same term, afterwards.
    ///
    /// - Returns: what etcd is, in a few words.
    /// - Throws: a ``LabEvents/Problem`` with both when it has not; what `body` throws.
    @discardableResult
    public func keepingLeader(_ body: () async throws -> Void) async throws -> String {
        let before = try await waitForEtcd()
        try await body()
        let after = try await waitForEtcd()
        guard before.leader == after.leader, before.term == after.term else {
            throw Problem(.failure, "etcd elected a new leader", why: "before: \(before.text); after: \(after.text)")
        }
        return after.text
    }
}
