import GuestShell
import LabEvents
import Phases
public import VMLab

extension LabCluster {
    /// Where the journal stood when a unit was started last.
    static let cursorFile = "/run/vmlab/k3s.cursor"

    /// Writes a node's options and token where its unit finds them, and starts the unit. Does not wait: k3s's unit is ready when the node is, which may be never.
    ///
    /// - Parameter token: nil for a first server that is to make its own.
    public func start(_ node: Node, token: K3sToken?) async throws {
        let dialect = try await dialect(of: node)
        let isServer = isServer(node)
        let service = dialect.service(isServer: isServer)
        try token?.hide(in: lab.secrets)
        let old = try await node.ask("cat \(ShellQuoting.quote(service.environmentFile)) 2>/dev/null || :")
        try hideToken(in: old)
        let words = try flags(of: node).words
        lab.events.message("\(node.name): k3s \(words.joined(separator: " "))", node: node.name, severity: .debug)
        var variables = [(key: service.optionsKey, value: words.joined(separator: " "))]
        if let key = service.roleKey { variables.append((key, isServer ? "server" : "agent")) }
        if let token { variables.append((K3sDialect.tokenKey, token.secretText)) }
        let content = try K3sDialect.environment(old, setting: variables, removing: [K3sDialect.tokenKey, "K3S_URL"])
        try await write(content, to: service.environmentFile, on: node)
        try await restart(node)
    }

    /// Starts a node's unit again with the options that it has, without waiting for it.
    public func restart(_ node: Node) async throws {
        let unit = try await dialect(of: node).service(isServer: isServer(node)).unit
        try await node.succeed(
            """
            mkdir -p \(Self.folder)
            journalctl -q -n 1 -o cat --show-cursor 2>/dev/null | sed -n 's/^-- cursor: //p' >\(Self.cursorFile)
            systemctl reset-failed \(unit) 2>/dev/null
            systemctl restart --no-block \(unit)
            """)
    }

    /// Stops a node's unit and waits until it has ended.
    public func stop(_ node: Node) async throws {
        let unit = try await dialect(of: node).service(isServer: isServer(node)).unit
        try await node.succeed("systemctl stop \(unit)", timeout: node.budget(.k3sStop).scaled(by: node.pace))
    }

    private static let folder = "/run/vmlab"

    /// A token that the image brought is nobody's business either.
    private func hideToken(in environment: String) throws {
        for line in environment.split(separator: "\n") where line.hasPrefix("\(K3sDialect.tokenKey)=") {
            let value = line.dropFirst(K3sDialect.tokenKey.count + 1).filter { $0 != "\"" && $0 != "'" }
            // One that is too short to be a secret cannot be kept out.
            try? K3sToken(parsing: String(value)).hide(in: lab.secrets)
        }
    }

    /// The token as the first server wrote it, with the hash of its CA.
    ///
    /// - Throws: a ``Problem`` when it is not there or is none.
    public func token() async throws -> K3sToken {
        let node = try primary
        let path = try await dialect(of: node).dataFolder + "/server/token"
        let text = try await node.ask("cat \(path)")
        let token = try K3sToken(parsing: text)
        try token.hide(in: lab.secrets)
        return token
    }

    /// The token for the first server; nil when it makes its own.
    func firstToken() -> K3sToken? {
        switch cluster.token {
        case .generated: .generated()
        case .given(let token): token
        case .primary: nil
        }
    }
}
