import GuestShell
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    /// The server that is asked when nobody else is named: the first one whose guest obeys.
    ///
    /// - Throws: a ``Problem`` when none does.
    public var spokesman: Node {
        get throws(Problem) {
            if let node = servers.first(where: { $0.state == .ready }) { return node }
            throw Problem(
                .failure, "no server can be asked", why: servers.map { "\($0.name) is \($0.state.rawValue)" }.joined(separator: ", "))
        }
    }

    /// Something that the API of a server answers; see ``request(_:_:body:asking:within:)``.
    ///
    /// - Parameters:
    ///   - path: with a `/` first.
    ///   - server: who is asked, at its own address of the loopback interface; the ``spokesman`` when nil.
    public func get(_ path: String, asking server: Node? = nil) async throws -> (status: Int, body: String) {
        try await request("GET", path, asking: server)
    }

    /// Asks something of a server's API, by curl and the administrator's certificate where the guest has them: kubectl takes a second of processor time
    /// without KVM.
    ///
    /// - Parameters:
    ///   - method: `GET`, `POST`, `PUT` or `DELETE`.
    ///   - path: with a `/` first.
    ///   - body: an object as JSON.
    ///   - server: who is asked; the ``spokesman`` when nil.
    ///   - limit: how long the answer may take.
    /// - Returns: the HTTP status, 0 where none came or it is not known, and the body, or why there is none.
    public func request(
        _ method: String, _ path: String, body: String? = nil, asking server: Node? = nil, within limit: Duration = .seconds(10)
    ) async throws -> (status: Int, body: String) {
        let node = try server ?? spokesman
        let dialect = try await dialect(of: node)
        let url = ShellQuoting.quote("https://127.0.0.1:6443" + path)
        let verb = ["GET": "get", "POST": "create", "PUT": "replace", "DELETE": "delete"][method] ?? "get"
        let (data, file) = body == nil ? ("", "") : ("-H 'Content-Type: application/json' --data-binary @-", "-f -")
        let seconds = max(1, Int(limit.components.seconds))
        let text = try await node.ask(
            """
            tls=\(dialect.dataFolder)/server/tls
            if command -v curl >/dev/null && [ -r $tls/client-admin.key ]; then
            curl -sS -X \(method) --max-time \(seconds) --cacert $tls/server-ca.crt --cert $tls/client-admin.crt --key $tls/client-admin.key \
            \(data) -w '\\n%{http_code}' \(url) 2>&1 || :
            else
            \(dialect.kubectl) \(verb) --request-timeout=\(seconds)s --raw \(ShellQuoting.quote(path)) \(file) 2>&1 && printf '\\n200' || printf '\\n0'
            fi
            """, stdin: body.map { .text($0) } ?? .none, limit: (limit + .seconds(20)) * max(1, node.pace))
        let end = text.lastIndex(of: "\n") ?? text.startIndex
        return (Int(text[end...].drop { $0 == "\n" }) ?? 0, String(text[..<end]))
    }

    /// The Node objects.
    ///
    /// - Parameter server: who is asked; the ``spokesman`` when nil.
    /// - Throws: a ``Problem`` when the API does not answer with them.
    public func nodes(asking server: Node? = nil) async throws -> [ClusterNode] {
        let (status, body) = try await get("/api/v1/nodes", asking: server)
        guard status == 200 else {
            throw Problem(.failure, "the API does not list the nodes", why: "status \(status): \(body.prefix(300))")
        }
        return try ClusterNode.list(Array(body.utf8))
    }

    /// Whether a Node object is Ready.
    func readiness(of name: String, asking server: Node? = nil) async throws -> Answer {
        let (status, body) = try await get("/api/v1/nodes/\(name)", asking: server)
        guard status == 200 else {
            return status == 404 ? .no("the API knows no node \(name)") : .couldNotAsk("status \(status): \(body.prefix(200))")
        }
        guard let node = try ClusterNode.list(Array("{\"items\":[\(body)]}".utf8)).first else {
            return .no("the API knows no node \(name)")
        }
        return node.isReady ? .yes(node.text) : .no(node.text)
    }
}
