/// A line of k3s's log that says why it cannot come up.
public struct K3sFailure: Sendable, Equatable {
    /// What must be in the line.
    public var text: String
    /// What it means.
    public var cause: String
    /// What to do about it.
    public var remedy: String?
    /// Whether waiting is of no use: the next start says the same.
    public var isFinal: Bool
    /// Whether the line must begin with it.
    public var isAtStart = false

    /// What k3s says, and why.
    public static let known: [K3sFailure] = [
        .init(
            text: "bootstrap data already found and encrypted with different token",
            cause: "the database of an earlier start has another token (FM-2)",
            remedy: "take control first: stop the unit, remove server/db, tls, token and cred", isFinal: true),
        .init(
            text: "newer than datastore and could cause a cluster outage",
            cause: "files of another cluster, or empty ones after a power cut, are newer than the database's",
            remedy: "take control first: remove server/tls and cred", isFinal: true),
        .init(text: "token CA hash does not match the Cluster CA certificate hash", cause: "the token is another cluster's", isFinal: true),
        .init(text: "not authorized", cause: "the token's password is wrong", isFinal: true),
        .init(text: "failed to validate token: invalid token", cause: "the token has no form that k3s knows", isFinal: true),
        .init(text: "token is required", cause: "no token was given", isFinal: true),
        .init(
            text: "critical configuration value mismatch between servers", cause: "this server's options differ from the others'",
            isFinal: true),
        .init(text: "duplicate node name found", cause: "another member of etcd has this node's name", isFinal: true),
        .init(
            text: "Node password rejected", cause: "a node of this name has joined before with another password",
            remedy: "remove the Node object, or keep /etc/rancher/node/password", isFinal: true),
        // Until April 2026 the line had `is a not a member`.
        .init(text: "not a member of the etcd cluster", cause: "the node's address is not the one that etcd knows it by", isFinal: true),
        .init(text: "server time isn't set properly", cause: "the guest's clock is before 1980", isFinal: true),
        .init(
            text: "x509: certificate has expired or is not yet valid",
            cause: "the guest's clock is wrong: the server's certificate is not valid at its time", isFinal: true),
        .init(text: "no default routes found", cause: "the guest has no default route", isFinal: true),
        .init(text: "no space left on device", cause: "the guest's disk is full", isFinal: true),
        .init(text: "panic: ", cause: "k3s panicked", isFinal: true, isAtStart: true),
        .init(text: "failed to get CA certs", cause: "the first server's API cannot be reached", isFinal: false),
        .init(text: "cannot fetch cluster info from peer urls", cause: "etcd's peer port 2380 cannot be reached", isFinal: false),
        .init(text: "leaderelection lost", cause: "etcd could not be written to for 10 s", isFinal: false),
        .init(text: "etcdserver: request timed out", cause: "etcd has no leader, or is too slow", isFinal: false),
    ]

    /// Lines of k3s-io/k3s that name a trouble which is another's, or which k3s goes on after.
    static let survived = [
        // pkg/util/apierrors.go:SendError: what a server answers to others.
        "response to ",
        // pkg/cluster/bootstrap.go:compareConfig: with a password of their own for agents a server may not ask.
        "Skipping cluster configuration validation: ",
        // pkg/cluster/bootstrap.go:Bootstrap: its own data is there.
        "Unable to reconcile with remote datastore: ",
    ]

    /// What is known about the lines, those that end a wait first.
    ///
    /// - Returns: the failure and its line; nil for lines that say nothing known.
    public static func find(in lines: [String], among failures: [K3sFailure] = known) -> (failure: K3sFailure, line: String)? {
        let own = lines.filter { line in !survived.contains { line.contains($0) } }
        for failure in failures {
            if let line = own.last(where: { failure.isAtStart ? $0.hasPrefix(failure.text) : $0.contains(failure.text) }) {
                return (failure, line)
            }
        }
        return nil
    }

    /// A failure from its parts.
    public init(text: String, cause: String, remedy: String? = nil, isFinal: Bool, isAtStart: Bool = false) {
        (self.text, self.cause, self.remedy, self.isFinal, self.isAtStart) = (text, cause, remedy, isFinal, isAtStart)
    }
}
