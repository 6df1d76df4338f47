import FoundationEssentials
public import GuestShell
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    /// Has every guest write to its disk what is in its memory alone. ext4 gives a new file its blocks up to 30 s late, and k3s does not wait for them: a power cut so
    /// soon after a first start leaves empty certificates, with which k3s never starts again ("newer than datastore").
    public func settleDisks() async throws {
        _ = try await onAll(try expectedNodes) { node in
            try await node.succeed("sync", timeout: node.budget(.k3sStop).scaled(by: node.pace))
        }
    }

    /// Checks that etcd's members are the servers, all vote and agree on a leader.
    @discardableResult
    public func checkEtcd() async throws -> String {
        let report = try await waitForEtcd(expectedServers)
        return "\(report.text); \(EtcdQuorum(report.members).text)"
    }

    /// The servers that should be in the cluster.
    var expectedServers: [Node] {
        get throws(Problem) { try expectedNodes.filter(isServer) }
    }

    /// Checks that the certificates of all servers are of the cluster's authorities and valid now and in a day, and that the API's is for the server's address.
    ///
    /// - Returns: how many.
    public func checkCertificates() async throws -> String {
        let found = try await onAll(expectedServers) { node in
            let folder = try await dialect(of: node).dataFolder + "/server/tls"
            let address = try address(of: node)
            let text = try await node.succeed(
                """
                command -v openssl >/dev/null || { echo none; exit 0; }
                cd \(folder) || exit 1
                set --
                for file in *.crt etcd/*.crt; do [ ! -s "$file" ] || set -- "$@" "$file"; done
                authorities=$(mktemp) && cat *-ca.crt etcd/*-ca.crt >"$authorities" || exit 1
                # Two processes for all files, not some for each: chains and times now, and in a day.
                openssl verify -CAfile "$authorities" "$@" 2>&1 | grep -v ': OK$'
                openssl verify -CAfile "$authorities" -attime $(($(date +%s) + 86400)) "$@" 2>&1 | grep -v ': OK$' | sed 's/^/tomorrow: /'
                rm -f "$authorities"
                names=$(openssl s_client -connect \(ClusterAddress.bracketed(address.first)):6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName)
                # openssl writes IPv6 addresses in a form of its own.
                case \(address.first)/$names in *:*/*|*"IP Address:\(address.first)"*) ;; *) echo "port 6443 is not certified for \(address.first):" $names ;; esac
                echo "count $#"
                """
            ).stdout.trimmed
            return (node.name, text.split(separator: "\n").map(String.init))
        }
        if found.contains(where: { $0.1 == ["none"] }) { throw Skip.missing("the guest has no openssl") }
        let problems = found.flatMap { name, lines in lines.filter { !$0.hasPrefix("count ") }.map { "\(name): \($0)" } }
        guard problems.isEmpty else { throw Problem(.failure, "certificates are not valid", why: problems.joined(separator: "\n")) }
        let counts = found.map { name, lines in "\(name) \(lines.last?.dropFirst("count ".count) ?? "0")" }
        return "valid: " + counts.joined(separator: ", ")
    }

    /// Checks that the API server and each etcd tell their metrics.
    public func checkMetrics() async throws -> String {
        let (status, body) = try await get("/metrics")
        guard status == 200, body.contains("apiserver_") else {
            throw Problem(.failure, "the API server tells no metrics", why: "status \(status): '\(body.prefix(200))'")
        }
        let metrics = try await onAll(expectedServers) { node in
            let text = try await node.ask("curl -s --max-time 10 http://127.0.0.1:2381/metrics")
            guard let metrics = EtcdMetrics(text) else {
                throw Problem(.failure, "\(node.name): etcd tells no metrics on port 2381", why: "'\(text.prefix(200))'")
            }
            return (node.name, metrics)
        }
        let without = metrics.filter { !$0.1.hasLeader }.map(\.0)
        guard without.isEmpty, metrics.filter(\.1.isLeader).count == 1 else {
            throw Problem(
                .failure, "etcd's metrics tell of no single leader",
                why: metrics.map { "\($0.0): has a leader \($0.1.hasLeader), is the leader \($0.1.isLeader)" }.joined(separator: "; "))
        }
        let changes = metrics.map { "\($0.0) \($0.1.leaderChanges)" }.joined(separator: ", ")
        return "API server and etcd; leader changes seen: \(changes)"
    }

    /// Where k3s keeps snapshots, below the data directory, and what ours are called: it adds the node and the time.
    static let snapshots = "server/db/snapshots"
    static let snapshotName = "vmlab"

    /// The options of `k3s etcd-snapshot save`.
    static func snapshotOptions(_ dialect: K3sDialect) -> [String] { ["--name=\(snapshotName)", "--data-dir=\(dialect.dataFolder)"] }

    /// Takes a snapshot of etcd with k3s's own command, and keeps it as `cluster/etcd-snapshot.db` after its form was looked at.
    ///
    /// - Parameter server: where; the first server when nil.
    /// - Returns: its name and size.
    public func takeSnapshot(on server: Node? = nil) async throws -> String {
        let node = try server ?? primary
        let folder = try await dialect(of: node).dataFolder + "/" + Self.snapshots
        let saving = try await saveSnapshot(on: node)
        guard saving.succeeded else {
            throw Problem(.failure, "\(node.name): no snapshot was taken", location: folder, why: saving.stdout.trimmed)
        }
        let path = try await node.ask("ls -t \(folder)/\(Self.snapshotName)-* 2>/dev/null | head -n 1").trimmingLineEnd
        guard !path.isEmpty else {
            throw Problem(.failure, "\(node.name): the snapshot is not there", location: folder, why: "the command said that it was taken")
        }
        let bytes = try await node.machine().shell.read(path)
        if let reason = Self.reason(against: bytes) {
            throw Problem(.failure, "the snapshot is no etcd database", location: path, why: reason)
        }
        try lab.keepUnchanged(bytes, as: "cluster/etcd-snapshot.db")
        return "\(path.split(separator: "/").last ?? ""), \(bytes.count >> 10) KiB"
    }

    /// Runs k3s's own command for a snapshot, which may fail.
    ///
    /// - Returns: how it went; what it said is in its standard output.
    public func saveSnapshot(on server: Node) async throws -> CommandResult {
        let dialect = try await dialect(of: server)
        let command = [dialect.command, "etcd-snapshot", "save"] + Self.snapshotOptions(dialect)
        return try await server.execute(command.joined(separator: " ") + " 2>&1", timeout: .seconds(120) * max(1, server.pace))
    }

    /// Why bytes are no database of etcd; nil when they are. The first page of a bbolt file has its mark at byte 16 (go.etcd.io/bbolt db.go:magic), and etcd puts a SHA-256
    /// behind the pages.
    static func reason(against bytes: [UInt8]) -> String? {
        guard bytes.count > 4096 else { return "it has \(bytes.count) bytes" }
        let mark: [UInt8] = [0xED, 0xDA, 0x0C, 0xED]
        guard Array(bytes[16..<20]) == mark else { return "the mark of a bbolt database is missing" }
        return bytes.count % 512 == 32 ? nil : "the checksum behind the database is missing"
    }
}

extension String {
    fileprivate var trimmingLineEnd: String {
        var text = self
        while text.last?.isNewline ?? false { text.removeLast() }
        return text
    }
}
