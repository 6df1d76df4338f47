import LabEvents
public import Phases
public import VMLab

extension LabCluster {
    /// Waits until the API says that a node is not Ready any more.
    ///
    /// - Parameter server: who is asked; the ``spokesman`` when nil.
    /// - Returns: what it says.
    @discardableResult
    public func waitForLoss(of node: Node, asking server: Node? = nil, _ budget: Budget = .nodeLoss) async throws -> String {
        let asked = try server ?? spokesman
        let begin = ContinuousClock.now
        let report = try await (!isReady(node, asking: asked)).wait(budget)
        return "\(report.observation ?? "\(node.name) is not Ready") after \(begin.duration(to: .now).seconds.rounded(to: 1)) s"
    }

    /// That the API says of a node that it is Ready, for ``Phases/assertStays(_:for:_:file:line:)`` and its like.
    ///
    /// - Parameter server: who is asked; the ``spokesman`` when nil.
    public func isReady(_ node: Node, asking server: Node? = nil) throws -> Condition {
        let asked = try server ?? spokesman
        return Condition("\(asked.name): \(node.name) is Ready", on: asked) { try await readiness(of: node.name, asking: asked) }
    }

    /// Waits until what a unit has said since it was started has a line with a text.
    ///
    /// - Returns: the line.
    /// - Throws: a ``Problem`` with what it said instead.
    @discardableResult
    public func waitForLine(_ text: String, from node: Node, _ budget: Budget = .k3sReady) async throws -> String {
        let unit = try await dialect(of: node).service(isServer: isServer(node)).unit
        let condition = Condition("\(node.name): \(unit) says '\(text)'", on: node) {
            let found = try await report(on: node, unit: unit, withLog: true)
            return found.lines.first { $0.contains(text) }.map { .yes(String($0.prefix(300))) } ?? .no(found.text)
        }
        return try await condition.wait(budget).observation ?? ""
    }

    /// Waits until the cluster is as planned after something was broken: the nodes Ready, and etcd with all its members, which agree on a leader.
    ///
    /// - Returns: how long it took, and what it then is.
    /// - Throws: a ``Problem`` that says what is otherwise, how the units of these nodes stand, and which faults are still open.
    @discardableResult
    public func waitForRecovery(_ budget: Budget = .clusterRecovery) async throws -> String {
        let begin = ContinuousClock.now
        let asked = try spokesman
        let condition = Condition("\(asked.name): the cluster is as planned again", on: asked) {
            let absent = try expectedNodes.filter { $0.state != .ready }
            guard absent.isEmpty else { return .no(absent.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", ")) }
            let report = try await etcd(asking: asked)
            let problems = try differences(of: try await nodes(asking: asked)) + report.problems(expecting: expectedServers.map(\.name))
            return problems.isEmpty ? .yes(report.text) : .no(problems.joined(separator: "; "))
        }
        do {
            let report = try await condition.wait(budget)
            return "as planned after \(begin.duration(to: .now).seconds.rounded(to: 1)) s: \(report.observation ?? "")"
        } catch var problem as Problem {
            let open = lab.openFaults.map { "fault \($0.id) is not healed: \($0.fault)" }
            problem.why = ([problem.why].compactMap(\.self) + open + (await unitStates())).joined(separator: "\n")
            throw problem
        }
    }

    /// How the unit of each node stands, in a line.
    private func unitStates() async -> [String] {
        var lines: [String] = []
        for node in lab.clusterNodes {
            guard node.state == .ready, let unit = try? await dialect(of: node).service(isServer: isServer(node)).unit else {
                lines.append("\(node.name) is \(node.state.rawValue)")
                continue
            }
            let found = try? await report(on: node, unit: unit, withLog: true)
            lines.append("\(node.name): " + (found?.text ?? "its unit cannot be asked"))
        }
        return lines
    }

    /// Whether the bring-up had come to its end: all nodes that obey have been made ready and have joined.
    private func wasFormed() async throws -> Bool {
        for node in lab.clusterNodes where node.state == .ready {
            guard let folder = try? await dialect(of: node).dataFolder else { return false }
            let data = isServer(node) ? "\(folder)/server/db/etcd/member/wal" : "\(folder)/agent/client-kubelet.crt"
            guard try await node.ask("[ -e \(K3sGate.path) ] && [ -e \(data) ] && echo yes || echo no").hasPrefix("yes") else {
                return false
            }
        }
        return true
    }

    /// What every scenario that breaks something ends with.
    func recover() async throws -> String {
        guard lab.clusterNodes.contains(where: { $0.state == .ready }) else { throw Skip.byDesign("no node obeys") }
        let open = lab.openFaults
        if !open.isEmpty { try await lab.heal() }
        guard try await wasFormed() else { throw Skip.byDesign("the cluster had not been formed") }
        let words = try await waitForRecovery()
        let (nodes, etcd) = (try await checkNodes(), try await checkEtcd())
        return (open.isEmpty ? "" : "healed \(open.map { "\($0.fault)" }.joined(separator: ", ")); ") + "\(words); \(nodes); etcd \(etcd)"
    }
}
