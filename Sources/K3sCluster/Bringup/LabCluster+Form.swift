import GuestShell
import LabEvents
import Phases
import VMLab

extension LabCluster {
    /// The whole bring-up in one call: every step of ``K3sCluster/phases``, and none waits for a step that it does not need. The first server is everybody's, so it is
    /// made ready first; the others are made ready while it starts, as many at once as the host has processors. Agents join as soon as its port gives the CA
    /// (``K3sCluster/JoinOrder/overlapped``), servers when it is a cluster by itself.
    ///
    /// The nodes must have booted and have their network. Each part is a step of the report.
    ///
    /// - Returns: what etcd then is, in a few words.
    /// - Throws: a ``LabEvents/Problem``; see the parts.
    @discardableResult
    public func form() async throws -> String {
        let nodes = servers + agents
        let isReady = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, Gate<Void>()) })
        let (hasPort, isFormed) = (Gate<Void>(), Gate<Void>())
        let first = try primary
        let agentsGoAhead = cluster.join == .overlapped && !isKeptApart
        let afterwards = agentsGoAhead ? servers : nodes
        return try await withThrowingTaskGroup(of: String?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await makeReady(nodes) { node in isReady[node.name]?.open(()) }
                return nil
            }
            group.addTask {
                try await isReady[first.name]?.wait()
                try await lab.step("first server") { try await formFirstServer { hasPort.open(()) } }
                isFormed.open(())
                return nil
            }
            for agent in agentsGoAhead ? agents : [] {
                group.addTask {
                    try await hasPort.wait()
                    try await isReady[agent.name]?.wait()
                    try await joinStep(agent)
                    return nil
                }
            }
            group.addTask {
                try await isFormed.wait()
                for node in afterwards { try await isReady[node.name]?.wait() }
                guard afterwards.count > 1 else { return try await waitForEtcd().text }
                return try await lab.step("join") { try await joinAll(withAgents: !agentsGoAhead) }
            }
            var found = ""
            while let result = try await group.next() { found = result ?? found }
            return found
        }
    }

    /// Takes control of nodes and prepares them, in their order, as many at once as the host has processors: more would only be slower each.
    private func makeReady(_ nodes: [Node], _ done: @escaping @Sendable (Node) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for (index, node) in nodes.enumerated() {
                if index >= max(1, Int(lab.plan.host.usableCPUs)) { try await group.next() }
                group.addTask {
                    try await lab.step("make ready \(node.name)") {
                        let found = cluster.takesControl ? try await takeControl(of: node) + "; " : ""
                        return found + (try await prepare(node))
                    }
                    done(node)
                }
            }
            while try await group.next() != nil {}
        }
    }
}
