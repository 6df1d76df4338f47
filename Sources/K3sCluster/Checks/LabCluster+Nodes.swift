import GuestShell
import LabEvents
import Phases
import VMLab

extension LabCluster {
    /// The nodes that should be in the cluster: all, or the first server where the profile keeps them apart.
    var expectedNodes: [Node] {
        get throws(Problem) { try isKeptApart ? [primary] : servers + agents }
    }

    /// Waits until exactly the planned nodes are in the cluster, Ready, with their roles and addresses and one version; then shows what kubectl prints.
    ///
    /// - Returns: how many, in words.
    /// - Throws: a ``Problem`` with everything that is otherwise.
    @discardableResult
    public func checkNodes() async throws -> String {
        let node = try spokesman
        // Labels and the vote in etcd reach the Node objects some seconds after the node is Ready.
        let report = try await Condition("the nodes of the cluster are as planned", on: node) {
            let found = try await nodes()
            let problems = try differences(of: found)
            guard problems.isEmpty else { return .no(problems.joined(separator: "; ")) }
            return .yes("\(found.count) Ready, \(found.first?.version ?? "no version")")
        }.wait(.clusterNodes)
        let kubectl = try await dialect(of: node).kubectl
        let table = try await node.ask("\(kubectl) get nodes -o wide 2>&1 || :", limit: .seconds(60) * max(1, node.pace))
        for line in table.split(separator: "\n") { lab.events.message(String(line), node: node.name) }
        try lab.keep(Array(table.utf8), as: "cluster/nodes.txt")
        return report.observation ?? ""
    }

    /// What is otherwise than planned among the Node objects; empty when nothing is.
    func differences(of found: [ClusterNode]) throws(Problem) -> [String] {
        let expected = try expectedNodes
        var problems = found.filter { node in !expected.contains { $0.name == node.name } }.map { "\($0.name) should not be there" }
        for node in expected {
            guard let object = found.first(where: { $0.name == node.name }) else {
                problems.append("\(node.name) is not there")
                continue
            }
            if !object.isReady { problems.append(object.text) }
            let roles = isServer(node) ? ["control-plane", "etcd"] : []
            if !roles.allSatisfy(object.roles.contains) || (roles.isEmpty && !object.roles.isEmpty) {
                problems.append(
                    "\(node.name) has the roles '\(object.roles.joined(separator: ","))', not '\(roles.joined(separator: ","))'")
            }
            let address = try address(of: node)
            if !object.addresses.contains(address.first) {
                problems.append("\(node.name) has the addresses \(object.addresses.joined(separator: ", ")), not \(address.first)")
            }
            if object.isVoter == false { problems.append("\(node.name) does not vote in etcd") }
        }
        let versions = Set(found.compactMap(\.version))
        if versions.count > 1 { problems.append("the versions differ: \(versions.sorted().joined(separator: ", "))") }
        return problems
    }

    /// Keeps what the units of k3s said on each node that obeys.
    func keepLogs() async throws -> String {
        let nodes = lab.clusterNodes.filter { $0.state == .ready }
        guard !nodes.isEmpty else { throw Skip.byDesign("no node obeys") }
        let units = Set(K3sDialect.known.flatMap(\.units) + (cluster.dialect?.units ?? [])).sorted().map { "-u \($0)" }.joined(
            separator: " ")
        let sizes = try await onAll(nodes) { node in
            let text = try await node.ask("journalctl -q -b \(units) -o short-iso-precise --no-pager 2>/dev/null | tail -n 20000")
            try lab.keep(Array(text.utf8), as: "nodes/\(node.name)/k3s.log")
            return text.utf8.count >> 10
        }
        return zip(nodes, sizes).map { "\($0.name) \($1) KiB" }.joined(separator: ", ")
    }

    /// Waits until the system pods run: CoreDNS, the local path provisioner, and the metrics server, as far as they are deployed.
    @discardableResult
    public func checkSystemPods() async throws -> String {
        let wanted = [
            ("coredns", "k8s-app", "kube-dns"), ("local-storage", "app", "local-path-provisioner"),
            ("metrics-server", "k8s-app", "metrics-server"),
        ].filter { !cluster.disabled.contains($0.0) }
        let node = try primary
        let report = try await Condition("the system pods run", on: node) {
            let (status, body) = try await get("/api/v1/namespaces/kube-system/pods")
            guard status == 200 else { return .couldNotAsk("status \(status): \(body.prefix(200))") }
            let pods = try ClusterPod.list(Array(body.utf8))
            let missing = wanted.compactMap { component, label, value in
                let own = pods.filter { $0.labels[label] == value }
                if own.contains(where: { $0.phase == "Running" }) { return String?.none }
                return "\(component): " + (own.isEmpty ? "no pod" : own.map { "\($0.name) \($0.phase)" }.joined(separator: ", "))
            }
            let running = pods.filter { $0.phase == "Running" }.count
            return missing.isEmpty ? .yes("\(running) of \(pods.count) run") : .no(missing.joined(separator: "; "))
        }.wait(.systemPods)
        return report.observation ?? ""
    }
}
