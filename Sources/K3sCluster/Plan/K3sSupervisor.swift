/// What port 6443 of a server answers in front of the API's own paths, as far as a bring-up asks for it.
enum K3sSupervisor: String, CaseIterable, Sendable {
    /// The cluster's CA; to everybody, before anything else works (k3s-io/k3s pkg/server/handlers/router.go:NewHandler).
    case cacerts = "/cacerts"
    /// The members of etcd; to the server itself without a password (pkg/etcd/etcd.go:handler).
    case members = "/db/info"

    /// Where the server itself asks.
    var url: String { "https://127.0.0.1:6443" + rawValue }
}
