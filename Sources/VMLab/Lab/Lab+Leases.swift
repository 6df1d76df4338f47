import GuestShell
import LabEvents
import NetworkProfiles

extension Lab {
    /// Compares the leases of each service node that is on with its reservations.
    ///
    /// - Throws: a ``Problem`` that lists every reservation without its lease.
    public func checkLeases() async throws {
        let problems = try await leaseProblems()
        guard let (node, faults) = problems.min(by: { $0.key < $1.key }) else { return }
        throw Problem(
            .failure, "\(node) gave other leases than reserved", location: "\(node):\(ServicePlan.leaseFile)",
            why: faults.map(\.text).joined(separator: "; "), remedy: "\(node):/run/vmlab/dnsmasq.log has each request and its answer")
    }

    /// Lets nodes ask again whose lease the service node does not know, and waits until it does: a service node that was off has forgotten its leases, and
    /// the nodes still have their addresses. What is wrong then is left to ``checkLeases()``.
    func renewLeases() async throws {
        let lacking = Set(try await leaseProblems().values.joined().map(\.node))
        guard !lacking.isEmpty else { return }
        try await onAllNodes { node in
            guard lacking.contains(node.name), let network = node.network else { return }
            self.events.message("asks again for its lease, which the DHCP server does not know", node: node.name)
            try await node.run(network.renewingCommands())
        }
        let last = LastSeen()
        let context = context
        do {
            try await context.budget(.network).run(
                pace: { context.pace }, waitingFor: "the leases are as reserved", observed: { last.text }
            ) {
                while true {
                    let begin = ContinuousClock.now
                    let problems = try await self.leaseProblems().values.joined()
                    if problems.isEmpty { return }
                    last.text = problems.map(\.text).joined(separator: "; ")
                    try await Task.sleep(for: min(.seconds(1), max(.milliseconds(20), begin.duration(to: .now) * 10)))
                }
            }
        } catch is Problem {}
        // Asking again may have taken the address for a moment.
        try await onAllNodes { node in if lacking.contains(node.name) { try await node.waitForNetwork() } }
    }

    /// What is wrong with the leases of each service node that is on.
    private func leaseProblems() async throws -> [String: [ServicePlan.LeaseProblem]] {
        let asking = Set(clusterNodes.filter { $0.network?.links.contains(where: \.dhcp) ?? false && $0.state == .ready }.map(\.name))
        return try await withThrowingTaskGroup(of: (String, [ServicePlan.LeaseProblem]).self) { group in
            for node in serviceNodes.filter({ $0.state == .ready }) {
                guard let service = node.network?.service else { continue }
                group.addTask {
                    // No client has asked yet when the file is not there.
                    let leases = try await node.run("[ ! -e \(ServicePlan.leaseFile) ] || cat \(ServicePlan.leaseFile)").stdout.text
                    return (node.name, service.leaseProblems(in: leases, nodes: asking))
                }
            }
            var found: [String: [ServicePlan.LeaseProblem]] = [:]
            while let (name, problems) = try await group.next() { if !problems.isEmpty { found[name] = problems } }
            return found
        }
    }
}
