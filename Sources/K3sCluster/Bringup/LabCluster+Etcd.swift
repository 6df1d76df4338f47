import LabEvents
public import VMLab

extension LabCluster {
    /// Asks a server for the members of etcd, and each member how it sees the others.
    ///
    /// - Parameter server: who is asked; the ``spokesman`` when nil.
    /// - Throws: a ``Problem`` when the list cannot be had, as without a quorum.
    public func etcd(asking server: Node? = nil) async throws -> EtcdReport {
        let node = try server ?? spokesman
        let folder = try await dialect(of: node).dataFolder
        // The supervisor gives its own node the list without a password (k3s-io/k3s pkg/etcd/etcd.go:handler).
        let members = try EtcdMember.list(
            Array(try await node.ask("curl -sk --max-time 10 \(K3sSupervisor.members.url)").utf8))
        let started = members.filter { !$0.clientURLs.isEmpty }
        let answers = try await node.ask(
            Self.statusScript(started.map { $0.clientURLs[0] }, folder: folder, seconds: Int(5 * max(1, node.pace))))
        let lines = answers.split(separator: "\n", omittingEmptySubsequences: false)
        var statuses: [String: EtcdStatus] = [:]
        for (member, line) in zip(started, lines) {
            if let status = EtcdStatus(Array(line.utf8)) { statuses[member.identifier] = status }
        }
        var report = EtcdReport(members: members, statuses: statuses)
        let silent = started.filter { statuses[$0.identifier] == nil }
        if !silent.isEmpty { report.complete(with: await metrics(of: silent)) }
        return report
    }

    /// What members tell in their plain metrics, each asked in its own guest: they listen on the loopback interface alone.
    private func metrics(of members: [EtcdMember]) async -> [String: EtcdMetrics] {
        await withTaskGroup(of: (String, EtcdMetrics?).self) { group in
            for member in members {
                guard let node = servers.first(where: { $0.name == member.node && $0.state == .ready }) else { continue }
                group.addTask {
                    let text = try? await node.ask("curl -s --max-time 5 http://127.0.0.1:2381/metrics")
                    return (member.identifier, text.flatMap { EtcdMetrics($0) })
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// Prints one line for each URL: a JSON status, or nothing. It comes from etcd's JSON gateway where that is on, and else from etcdctl where the guest has it.
    private static func statusScript(_ urls: [String], folder: String, seconds: Int) -> String {
        """
        tls=\(folder)/server/tls/etcd
        for url in \(urls.joined(separator: " ")); do
        answer=$(curl -s --max-time \(seconds) --cacert $tls/server-ca.crt --cert $tls/client.crt --key $tls/client.key -d '{}' $url/v3/maintenance/status 2>/dev/null)
        status=$?
        # Whom curl does not reach, or not in time, etcdctl does not either.
        case $status/$answer in 7/*|28/*|*'"header"'*) ;; *)
        command -v etcdctl >/dev/null && answer=$(ETCDCTL_API=3 etcdctl --command-timeout=\(seconds)s --endpoints=$url --cacert=$tls/server-ca.crt --cert=$tls/client.crt \
        --key=$tls/client.key endpoint status -w json 2>/dev/null) ;;
        esac
        echo "$answer" | tr -d '\\n'; echo
        done
        """
    }
}
