import GuestShell
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    /// How a guest runs k3s: as the cluster says, or the first known dialect whose units the guest has.
    ///
    /// - Throws: a ``Problem`` when the guest has none of the units.
    public func dialect(of node: Node) async throws -> K3sDialect {
        if let dialect = cluster.dialect { return dialect }
        let units = K3sDialect.known.flatMap(\.units)
        let found = try await node.ask(
            """
            for unit in \(units.joined(separator: " ")); do
            for folder in /run/systemd/system /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
            [ -e $folder/$unit ] && { echo $unit; break; }
            done
            done
            :
            """)
        if let dialect = K3sDialect.matching(units: found.split(separator: "\n").map(String.init)) { return dialect }
        throw Problem(
            .failure, "\(node.name) has no unit of k3s", location: node.name, why: "none of \(units.joined(separator: ", ")) is there",
            remedy: "boot an image with k3s, or bring the binary with --k3s FILE")
    }

    /// Which k3s a guest has.
    ///
    /// - Throws: a ``Problem`` when it has none, or one that does not tell its version.
    public func version(on node: Node) async throws -> K3sVersion {
        let dialect = try await dialect(of: node)
        let text = try await node.ask("\(dialect.command) --version 2>/dev/null")
        if let version = K3sVersion(text) { return version }
        throw Problem(
            .failure, "\(node.name): k3s does not tell its version", location: node.name,
            why: "`\(dialect.command) --version` printed '\(text.prefix(200))'")
    }

    /// Finds out which k3s runs, on all nodes at once; brings the binary of `--k3s` first.
    ///
    /// - Returns: which, in words; what the report says.
    /// - Throws: a ``Problem`` when nodes have different ones.
    func identify() async throws -> String {
        if let file = lab.plan.k3s {
            try await onAll(lab.clusterNodes) { node in try await install(file, on: node) }
        }
        let versions = try await onAll(lab.clusterNodes) { node in try await version(on: node) }
        guard Set(versions.map(\.version)).count == 1, let version = versions.first else {
            let list = zip(lab.clusterNodes, versions).map { "\($0.name) \($1.version)" }.joined(separator: ", ")
            throw Problem(.failure, "the nodes have different versions of k3s", why: list, remedy: "give all the same image")
        }
        let dialect = try await dialect(of: primary)
        return "\(version), dialect \(dialect.name)" + (lab.plan.k3s.map { ", from --k3s (SHA-256 \($0.sha256.prefix(12))…)" } ?? "")
    }

    /// Does something with several nodes at once.
    ///
    /// - Returns: what came of each, in the nodes' order.
    /// - Throws: the first failure.
    @discardableResult
    func onAll<Result: Sendable>(_ nodes: [Node], _ body: @escaping @Sendable (Node) async throws -> Result) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            for (index, node) in nodes.enumerated() { group.addTask { (index, try await body(node)) } }
            var results: [(Int, Result)] = []
            while let result = try await group.next() { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
