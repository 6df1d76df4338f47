import FoundationEssentials
import GuestShell
import LabEvents
public import NetworkProfiles

extension Lab {
    /// Does the same on all nodes at once.
    public func onAllNodes(_ body: @escaping @Sendable (Node) async throws -> Void) async throws { try await on(nodes, body) }

    private func on(_ nodes: [Node], _ body: @escaping @Sendable (Node) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { try await body(node) } }
            while try await group.next() != nil {}
        }
    }

    /// The nodes of the cluster: all but those that serve them.
    public var clusterNodes: [Node] { nodes.filter { $0.network?.service == nil } }
    /// The nodes that serve the others.
    public var serviceNodes: [Node] { nodes.filter { $0.network?.service != nil } }

    /// Makes the planned network in all guests: the service nodes first, then the others at once; then checks the leases.
    ///
    /// - Parameter way: how; a service node's is made by commands in any case but ``NetworkWay/image``.
    /// - Returns: what was done, in a few words.
    /// - Throws: a ``Problem`` for the first node whose network is not as planned in time.
    @discardableResult
    public func configureNetwork(_ way: NetworkWay = .automatic) async throws -> String {
        guard let network = plan.network else { return "no network" }
        try await on(serviceNodes) { node in try await self.configureNetwork(of: node) }
        let ways = try await withThrowingTaskGroup(of: NetworkWay.self) { group in
            for node in clusterNodes { group.addTask { try await self.configureNetwork(of: node, way) } }
            var ways: Set<NetworkWay> = []
            while let way = try await group.next() { ways.insert(way) }
            return ways
        }
        try await renewLeases()
        try await checkLeases()
        return "\(network.profile): by \(ways.map(\.rawValue).sorted().joined(separator: " and "))"
    }

    /// Makes the planned network in one guest, as ``Node/configureNetwork(_:_:)`` does; a service node serves then. An error says also what the link
    /// aggregations of the node's bonds have seen, which the guest cannot know.
    @discardableResult
    public func configureNetwork(of node: Node, _ way: NetworkWay = .automatic) async throws -> NetworkWay {
        do {
            let chosen = try await node.configureNetwork(way)
            try await node.serveDHCP()
            return chosen
        } catch var problem as Problem {
            let partners = aggregations.filter { $0.node.name == node.name }.map(\.summary)
            problem.why = ([problem.why].compactMap(\.self) + partners).joined(separator: "\n")
            throw problem
        }
    }

    /// Tries every pair of nodes that are on, on every network: ARP or neighbour discovery, ICMP and TCP, all nodes at once.
    ///
    /// A pair that should be connected and is not is tried again until the budget is used up. What must not be connected is tried once, and one answer
    /// is a leak.
    ///
    /// - Parameters:
    ///   - port: the TCP port; a closed one answers too. By default the kubelet's, which the users' firewalls let through.
    ///   - budget: for the pairs that should be connected.
    /// - Returns: what was found; whether that is as expected is for the caller to decide.
    public func reachability(port: Int = 10250, _ budget: Budget = .reachability) async throws -> ReachabilityMatrix {
        guard let network = plan.network else { return ReachabilityMatrix(port: port, nodes: [], entries: []) }
        let on = nodes.filter { $0.state == .ready }
        let probes = ReachabilityProbe.all(network, nodes: Set(on.map(\.name)))
        let begin = ContinuousClock.now
        var findings = try await find(probes, port: port)
        // On a host that is busy just now, a guest may not even start its programs in the time that an answer has: each round gives more of it.
        var patience = 1
        while patience < 4 || begin.duration(to: .now) < self.budget(budget).scaled(by: pace) {
            patience *= 2
            let again = probes.compactMapValues { own in
                let failing = own.filter { $0.pair.isConnected && findings[$0].map($0.fault) != .some(.none) }
                return failing.isEmpty ? nil : failing
            }
            if again.isEmpty { break }
            findings.merge(try await find(again, port: port, patience: min(patience, 8))) { $1 }
        }
        let order = network.pairs.enumerated().reduce(into: [NetworkPlan.Pair: Int]()) { $0[$1.element] = $1.offset }
        let entries = findings.map { ReachabilityMatrix.Entry($0.key, $0.value) }.sorted {
            (order[$0.probe.pair] ?? 0, $0.probe.address.bytes.count) < (order[$1.probe.pair] ?? 0, $1.probe.address.bytes.count)
        }
        let matrix = ReachabilityMatrix(port: port, nodes: network.nodes.map(\.name), entries: entries)
        try keep(matrix)
        return matrix
    }

    /// As ``reachability(port:_:)``, as a check.
    ///
    /// - Returns: the summary.
    /// - Throws: a ``Problem`` with everything that is not as expected.
    @discardableResult
    public func checkReachability() async throws -> String {
        let matrix = try await reachability()
        guard matrix.isAsExpected else {
            throw Problem(
                .failure, "the network does not connect what it should: \(matrix.summary)", location: "network/matrix.txt",
                why: matrix.faultText,
                remedy: "`vmlab net show RUN` compares each node with the plan")
        }
        guard let slowest = matrix.slowestTCP, let time = slowest.finding.tcpMilliseconds else { return matrix.summary }
        return "\(matrix.summary); slowest first TCP answer \(time) ms, \(slowest.probe.pair.from) → \(slowest.probe.pair.to)"
    }

    func find(
        _ probes: [String: [ReachabilityProbe]], port: Int, patience: Int = 1
    ) async throws -> [ReachabilityProbe: ReachabilityProbe.Finding] {
        try await withThrowingTaskGroup(of: [(ReachabilityProbe, ReachabilityProbe.Finding)].self) { group in
            for (name, own) in probes {
                let node = try node(name)
                // All probes of a node run at once and share its processors.
                let seconds = Int((Budget("answer", .seconds((2 + own.count / 8) * patience)).scaled(by: pace).seconds).rounded(.up))
                group.addTask {
                    let output = try await node.run(ReachabilityProbe.script(own, port: port, seconds: seconds)).stdout.text
                    return Array(zip(own, ReachabilityProbe.findings(output, of: own)))
                }
            }
            var findings: [ReachabilityProbe: ReachabilityProbe.Finding] = [:]
            while let some = try await group.next() { for (probe, finding) in some { findings[probe] = finding } }
            return findings
        }
    }

    private func keep(_ matrix: ReachabilityMatrix) throws {
        let folder = context.run.path + "/network"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(matrix)), to: folder + "/matrix.json", redactor: secrets)
        try AtomicFile.write(Array((matrix.table + "\n").utf8), to: folder + "/matrix.txt", redactor: secrets)
    }
}

extension Node {
    /// Starts the DHCP service of a service node and waits until it serves.
    func serveDHCP() async throws {
        guard let service = network?.service else { return }
        try await run(service.startCommands)
        try await waitForSocket("udp", port: 67, state: "07", "dnsmasq does not serve", .command)
    }
}
