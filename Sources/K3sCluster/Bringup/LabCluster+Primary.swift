import LabEvents
import Phases
import VMLab

extension LabCluster {
    /// Starts the first server and waits until it is a cluster by itself: its port, its API, its etcd, its node.
    ///
    /// - Parameter onPort: called when its port gives the CA.
    /// - Returns: what its node is, in a few words.
    /// - Throws: a ``LabEvents/Problem``; at once when the unit ends or says something after which it cannot come.
    @discardableResult
    public func formFirstServer(onPort: () -> Void = {}) async throws -> String {
        _ = try await startPrimary()
        _ = try await waitForPort()
        onPort()
        _ = try await waitForAPI()
        async let member = waitForFirstMember()
        let node = try await waitForFirstNode()
        _ = try await member
        return node
    }

    /// The stages of the first server, each with its own condition.
    private func unit(_ node: Node) async throws -> String { try await dialect(of: node).server.unit }

    /// Starts the first server.
    func startPrimary() async throws -> String {
        let node = try primary
        try await start(node, token: firstToken())
        let flags = try flags(of: node).words
        return flags.filter {
            $0.hasPrefix("--node-ip") || $0.hasPrefix("--flannel") || $0.hasPrefix("--etcd-arg") || $0 == "--cluster-init"
        }
        .joined(separator: " ")
    }

    /// Waits until the supervisor gives the cluster's CA. The API and etcd may not be up yet.
    func waitForPort() async throws -> String {
        let (node, unit) = (try primary, try await unit(primary))
        let report = try await wait(
            watch("port 6443 gives /cacerts", on: node, unit: unit) { _ in
                let code = try await node.ask("curl -sk -o /dev/null --max-time 10 -w '%{http_code}' \(K3sSupervisor.cacerts.url) || :")
                return code == "200" ? .yes() : .no(code == "000" ? "nothing answers on port 6443" : "/cacerts: status \(code)")
            }, .k3sPort, on: node, unit: unit)
        return "after \(report.seconds.rounded(to: 1)) s"
    }

    /// Waits until the API says that it is ready.
    func waitForAPI() async throws -> String {
        let (node, unit) = (try primary, try await unit(primary))
        let report = try await wait(
            watch("/readyz", on: node, unit: unit) { _ in
                let (status, body) = try await get("/readyz?verbose")
                let health = HealthReport(body)
                guard status == 200, health?.isHealthy ?? false else {
                    return .no("/readyz: status \(status), \(health?.text ?? "'\(body.prefix(160))'")")
                }
                return .yes(health?.text)
            }, .k3sAPI, on: node, unit: unit)
        return report.observation ?? ""
    }

    /// Waits until etcd has the first server as its only member and leader.
    func waitForFirstMember() async throws -> String { try await waitForEtcd([primary]).text }

    /// Waits until the first server's node is Ready.
    func waitForFirstNode() async throws -> String {
        let (node, unit) = (try primary, try await unit(primary))
        let report = try await wait(
            watch("the node is Ready", on: node, unit: unit) { _ in try await readiness(of: node.name) }, .k3sReady, on: node, unit: unit)
        return report.observation ?? ""
    }
}
