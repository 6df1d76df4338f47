import LabEvents
public import VMLab

extension LabCluster {
    /// Checks that what is about to be done leaves etcd's quorum, or that its loss is meant; nothing is done when not. Members that take no part already
    /// count as lost.
    ///
    /// - Parameters:
    ///   - lost: the nodes that will be lost.
    ///   - removingQuorum: whether the loss of the quorum is what is to be shown.
    /// - Returns: the quorum before.
    /// - Throws: a ``Problem`` of kind `invalidInput`; see ``EtcdQuorum/check(losing:besides:isMeant:)``.
    @discardableResult
    public func checkQuorum(losing lost: [Node], removingQuorum: Bool = false) async throws -> EtcdQuorum {
        let report = try await etcd()
        let quorum = EtcdQuorum(report.members)
        try quorum.check(losing: lost.map(\.name), besides: report.absent.map(\.node), isMeant: removingQuorum)
        return quorum
    }

    /// Breaks something that takes nodes away for the time of `body`, and heals it; see ``VMLab/Lab/withFault(_:_:)``. Before anything is done
    /// ``checkQuorum(losing:removingQuorum:)`` is.
    public func withFault<Result: Sendable>(
        _ fault: Fault, losing lost: [Node], removingQuorum: Bool = false, _ body: () async throws -> Result
    ) async throws -> Result {
        try await withFaults([fault], losing: lost, removingQuorum: removingQuorum, body)
    }

    /// Breaks several things, one after the other, for the time of `body`; the last one is healed first.
    public func withFaults<Result: Sendable>(
        _ faults: [Fault], losing lost: [Node], removingQuorum: Bool = false, _ body: () async throws -> Result
    ) async throws -> Result {
        try await checkQuorum(losing: lost, removingQuorum: removingQuorum)
        return try await nested(faults[...], body)
    }

    private func nested<Result: Sendable>(_ faults: ArraySlice<Fault>, _ body: () async throws -> Result) async throws -> Result {
        guard let first = faults.first else { return try await body() }
        return try await lab.withFault(first) { try await nested(faults.dropFirst(), body) }
    }
}
