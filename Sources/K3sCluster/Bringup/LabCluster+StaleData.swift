import GuestShell
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    /// Waits until what a node's image starts by itself is up, before anybody took control: its unit, and the data of a cluster of its own.
    ///
    /// - Returns: what is there, in words.
    /// - Throws: a ``Problem`` that says what is missing, as with an image that starts nothing.
    @discardableResult
    public func waitForStaleData(on node: Node, _ budget: Budget = .k3sReady) async throws -> String {
        let dialect = try await dialect(of: node)
        let (service, data) = (dialect.server, dialect.dataFolder + "/server")
        let report = try await Condition("\(node.name): \(service.unit) runs as the boot started it", on: node) {
            // The token itself stays in the guest.
            let text = try await node.ask(
                """
                echo $(systemctl is-active \(service.unit)) $(systemctl is-enabled \(service.unit) 2>/dev/null)
                for path in db/etcd/member/wal tls/server-ca.crt cred/passwd token; do [ -e \(data)/$path ] || echo "missing $path"; done
                baked=$(sed -n 's/^\(K3sDialect.tokenKey)=//p' \(service.environmentFile) 2>/dev/null | tr -d '"' | sed 's/.*://')
                [ -n "$baked" ] && [ "$(sed 's/.*://' \(data)/token 2>/dev/null)" = "$baked" ] || echo "missing the token of \(service.environmentFile)"
                """)
            let lines = text.split(separator: "\n").map(String.init)
            let missing = lines.dropFirst()
            guard lines.first == "active enabled", missing.isEmpty else {
                return .no("\(service.unit) is \(lines.first ?? "not there"); \(missing.joined(separator: ", "))")
            }
            return .yes("\(node.name): \(service.unit) is active, with db, tls, cred and the token of \(service.environmentFile)")
        }.wait(budget)
        return report.observation ?? ""
    }
}
