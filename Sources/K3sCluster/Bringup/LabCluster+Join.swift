import GuestShell
import LabEvents
import Phases
import Synchronization
public import VMLab

extension LabCluster {
    /// Lets a node join: makes sure of its way to the API, gives it the token, starts its unit, and waits until it is Ready and, as a server, a voting member of etcd.
    ///
    /// - Parameters:
    ///   - node: not the first server.
    ///   - members: the servers that are members of etcd then; nil when that is not looked at.
    ///   - token: another one than the first server's, to show that it is refused.
    /// - Returns: what was found, in a few words.
    /// - Throws: a ``Problem``; at once when the node's unit ends or says something after which it cannot come.
    @discardableResult
    public func join(_ node: Node, expecting members: [Node]? = nil, token: K3sToken? = nil) async throws -> String {
        let own = try await self.token()
        var found: [String] = []
        if cluster.checksReachability { found.append(try await reachAPI(from: node, ca: token == nil ? own.caHash : nil)) }
        let begin = ContinuousClock.now
        try await start(node, token: token ?? own)
        try await waitForJoin(of: node)
        found.append("Ready after \(begin.duration(to: .now).seconds.rounded(to: 1)) s")
        if isServer(node), let members { found.append(try await waitForEtcd(members).text) }
        return found.joined(separator: "; ")
    }

    /// Waits until a node that was started is Ready.
    public func waitForJoin(of node: Node, _ budget: Budget = .k3sJoin) async throws {
        let unit = try await dialect(of: node).service(isServer: isServer(node)).unit
        try await wait(
            watch("the node is Ready", on: node, unit: unit) { state in
                // Before its unit is ready the node cannot be; the first server is not asked in vain.
                state.isActive ? try await readiness(of: node.name) : .no()
            }, budget, on: node, unit: unit)
    }

    /// Makes sure that a node reaches the API of the first server: that its address is answered by its own hardware address (ARP or neighbour discovery), by TCP, and
    /// that `/cacerts` gives the cluster's CA, so that the join does not pay for a slow first connection.
    ///
    /// - Parameter ca: the hash that the CA must have; nil to take any.
    /// - Returns: what was measured.
    func reachAPI(from node: Node, ca: String?) async throws -> String {
        let target = try address(of: primary)
        let own = try address(of: node)
        let report = try await node.preWarmTCP(to: target.first, port: 6443)
        guard let first = report.firstSeconds else {
            throw Problem(
                .failure, "\(node.name) does not reach the API of \(target.node)", location: target.url,
                why: "no TCP connection in \(report.connections.count) tries: \(report.lastError ?? "no answer"); "
                    + "neighbour before: \(report.neighbourBefore ?? "none")",
                remedy: "`vmlab net show RUN` compares the network with the plan")
        }
        let entry = try await node.ask("ip neigh show \(target.first) dev \(own.interface)")
        let words = entry.split(whereSeparator: \.isWhitespace).map(String.init)
        let mac = words.firstIndex(of: "lladdr").flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
        guard mac?.lowercased() == target.mac.lowercased() else {
            throw Problem(
                .failure, "\(node.name): somebody else answers for \(target.first)", location: own.interface,
                why: "the neighbour entry is '\(words.joined(separator: " "))', and \(target.node) has \(target.mac)",
                remedy: "look for a duplicate address, or an entry that somebody pinned")
        }
        let text = try await node.ask(
            """
            file=$(mktemp) || exit
            for try in 1 2 3; do
            code=$(curl -sk -o "$file" --max-time 15 -w '%{http_code} %{time_total}' \(target.url)\(K3sSupervisor.cacerts.rawValue)) && break
            sleep 2
            done
            echo "$code $(sha256sum <"$file" | cut -d' ' -f1)"
            rm -f "$file"
            """, limit: .seconds(60) * max(1, node.pace))
        let answer = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard answer.count == 3, answer[0] == "200" else {
            throw Problem(.failure, "\(node.name): \(target.url)/cacerts does not give the CA", why: "curl said '\(text.prefix(200))'")
        }
        guard ca == nil || ca == answer[2] else {
            throw Problem(
                .failure, "\(node.name): \(target.url) has another CA than the token",
                why: "\(answer[2].prefix(12))…, not \(ca?.prefix(12) ?? "")…")
        }
        let warmed = report.mattered ? ", pre-warmed: first \(first) s, then \(report.lastSeconds ?? 0) s" : ""
        return "API by ARP \(mac ?? "") and TCP\(warmed), /cacerts \(answer[1]) s"
    }

    /// Lets all other nodes join, in the cluster's order.
    ///
    /// - Parameter withAgents: false when the agents join by themselves.
    /// - Returns: what was found, in a few words.
    func joinAll(withAgents: Bool = true) async throws -> String {
        let (first, others, agents) = (try primary, Array(servers.dropFirst()), withAgents ? agents : [])
        guard !others.isEmpty || !agents.isEmpty else { throw Skip.byDesign("the cluster has one node") }
        if isKeptApart { return try await refuseAll() }
        // Etcd has been looked at when the last server has joined one after the other.
        var etcd: String?
        switch cluster.join {
        case .sequential:
            etcd = try await joinServers(others, behind: first)
            for node in agents { try await joinStep(node) }
        case .overlapped:
            async let left = joinServers(others, behind: first)
            _ = try await onAll(agents) { node in try await joinStep(node) }
            etcd = try await left
        case .parallel:
            _ = try await onAll(others + agents) { node in try await joinStep(node) }
        }
        if let etcd { return etcd }
        return try await waitForEtcd().text
    }

    /// - Returns: what the last one found; nil without any.
    private func joinServers(_ others: [Node], behind first: Node) async throws -> String? {
        var members = [first]
        var found: String?
        for node in others {
            members.append(node)
            found = try await joinStep(node, expecting: members)
        }
        return found
    }

    @discardableResult
    func joinStep(_ node: Node, expecting members: [Node]? = nil) async throws -> String {
        try await lab.step("join \(node.name)") { try await join(node, expecting: members) }
    }

    // MARK: Nodes that are kept apart

    /// Starts all other nodes on a network that keeps them apart, and makes sure that none joins, because of the network.
    private func refuseAll() async throws -> String {
        let (token, others) = (try await token(), Array(servers.dropFirst()) + agents)
        let reasons = try await onAll(others) { node in try await refuse(node, token) }
        let known = try await nodes().map(\.name)
        let first = try primary.name
        guard known == [first] else {
            throw Problem(
                .failure, "nodes joined over a network that keeps them apart", why: "the API has \(known.joined(separator: ", "))")
        }
        return reasons.joined(separator: "; ")
    }

    private func refuse(_ node: Node, _ token: K3sToken) async throws -> String {
        try await lab.step("no join of \(node.name)") {
            let unit = try await dialect(of: node).service(isServer: isServer(node)).unit
            try await start(node, token: token)
            let last = Mutex<UnitReport?>(nil)
            let condition = Condition("\(node.name): its unit is not ready", on: node) {
                let report = try await report(on: node, unit: unit, withLog: true)
                last.withLock { $0 = report }
                return report.state.isActive ? .no("it is \(report.state.text)", isFinal: true) : .yes(report.text)
            }
            try await assertStays(condition, for: node.budget(.noJoin).scaled(by: node.pace))
            try await stop(node)
            let lines = last.withLock { $0?.lines } ?? []
            guard let (failure, line) = K3sFailure.find(in: lines), failure.text == "failed to get CA certs" else {
                throw Problem(
                    .failure, "\(node.name) did not join, but not because of the network", location: unit,
                    why: lines.suffix(10).joined(separator: "\n"))
            }
            return "\(failure.cause): '\(line.suffix(160))'"
        }
    }
}
