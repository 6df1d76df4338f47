import FoundationEssentials
import GuestShell
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    /// How the API of a server looks from another node.
    ///
    /// - Parameters:
    ///   - server: whose API.
    ///   - observer: who asks.
    ///   - isVerified: whether its certificate is compared with the cluster's CA, as the observer has it, by the observer's clock.
    ///   - patience: how long an answer may take.
    public func presence(
        of server: Node, from observer: Node, isVerified: Bool = false, patience: Duration = .seconds(10)
    ) async throws -> APIPresence {
        let folder = try await dialect(of: observer).dataFolder
        let authority = isServer(observer) ? "\(folder)/server/tls/server-ca.crt" : "\(folder)/agent/server-ca.crt"
        let seconds = patience.seconds
        let text = try await observer.ask(
            """
            said=$(curl -sSv -o /dev/null \(isVerified ? "--cacert \(authority)" : "-k") --max-time \(seconds) \
            -w '\(APIPresence.format)' \(try address(of: server).url)/ping 2>&1); echo "$? $said"
            """, limit: (patience + .seconds(30)) * max(1, observer.pace))
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, let exit = Int(parts[0]), let presence = APIPresence(exit: exit, output: String(parts[1])) { return presence }
        throw Problem(.failure, "\(observer.name): curl does not tell how it went", why: "it printed '\(text.prefix(300))'")
    }

    /// Waits until the API of a server looks like something from another node.
    ///
    /// - Parameters:
    ///   - what: in words, such as `does not answer`.
    ///   - isReached: whether this is it.
    /// - Returns: what was seen.
    @discardableResult
    public func waitForPresence(
        of server: Node, from observer: Node, isVerified: Bool = false, _ what: String, _ budget: Budget = .clusterNodes,
        _ isReached: @escaping @Sendable (APIPresence) -> Bool
    ) async throws -> String {
        let report = try await Condition("\(observer.name): the API of \(server.name) \(what)", on: observer) {
            let seen = try await presence(of: server, from: observer, isVerified: isVerified)
            return isReached(seen) ? .yes("\(seen)") : .no("\(seen)")
        }.wait(budget)
        return report.observation ?? ""
    }

    /// When a node's kubelet last renewed its lease, by the node's own clock.
    ///
    /// - Parameter server: who is asked; the ``spokesman`` when nil.
    /// - Returns: seconds since then by the host's clock; less than 0 when the node's clock is ahead.
    public func leaseAge(of node: Node, asking server: Node? = nil) async throws -> Double {
        let (status, body) = try await get("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/\(node.name)", asking: server)
        guard status == 200, let renewed = Self.renewal(Array(body.utf8)) else {
            throw Problem(.failure, "\(node.name) has no lease", why: "status \(status): \(body.prefix(300))")
        }
        return Date().timeIntervalSince(renewed)
    }

    /// Waits until a node's lease is renewed with a certain difference between the node's clock and the host's.
    ///
    /// - Parameter seconds: how far the node's clock is ahead of the host's; within two minutes, times the pace.
    /// - Returns: what was seen.
    @discardableResult
    public func waitForLease(of node: Node, ahead seconds: Double, asking server: Node? = nil, _ budget: Budget = .clusterNodes)
        async throws
        -> String
    {
        let asked = try server ?? spokesman
        let report = try await Condition("\(node.name)'s lease is renewed \(Int(seconds)) s ahead", on: asked) {
            let ahead = -(try await leaseAge(of: node, asking: asked))
            let text = "\(node.name)'s lease was renewed \(Int(abs(ahead))) s \(ahead < 0 ? "ago" : "ahead")"
            return abs(ahead - seconds) <= 120 * max(1, node.pace) ? .yes(text) : .no(text)
        }.wait(budget)
        return report.observation ?? ""
    }

    /// `spec.renewTime` of a Lease (RFC 3339 with microseconds); nil for anything else.
    static func renewal(_ json: [UInt8]) -> Date? {
        struct Lease: Decodable {
            struct Spec: Decodable { var renewTime: String }
            var spec: Spec
        }
        guard let text = try? JSONDecoder().decode(Lease.self, from: Data(json)).spec.renewTime else { return nil }
        // The fraction does not matter, and not every reader takes six digits.
        return try? Date(text.prefix(19) + "Z", strategy: .iso8601)
    }
}
