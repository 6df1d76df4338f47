public import LabEvents

/// How an image runs k3s, as data: its units, where their options come from, and where k3s keeps its files.
public struct K3sDialect: Sendable, Equatable, Codable {
    /// The files and variables of one role.
    public struct Service: Sendable, Equatable, Codable {
        /// The systemd unit.
        public var unit: String
        /// The file with variables that the unit reads (`EnvironmentFile=`).
        public var environmentFile: String
        /// The variable with k3s's options.
        public var optionsKey: String
        /// The variable with the role, `server` or `agent`; nil where the unit says it itself.
        public var roleKey: String?

        /// A service from its parts.
        public init(unit: String, environmentFile: String, optionsKey: String, roleKey: String? = nil) {
            (self.unit, self.environmentFile, self.optionsKey, self.roleKey) = (unit, environmentFile, optionsKey, roleKey)
        }
    }

    /// What it is called in messages.
    public var name: String
    /// How servers run.
    public var server: Service
    /// How agents run.
    public var agent: Service
    /// The command that speaks to the cluster's API.
    public var kubectl: String
    /// The command that is k3s.
    public var command: String
    /// Where k3s keeps its files (`--data-dir`).
    public var dataFolder: String

    /// A dialect from its parts.
    public init(
        name: String, server: Service, agent: Service, kubectl: String = "kubectl", command: String = "k3s",
        dataFolder: String = "/var/lib/rancher/k3s"
    ) {
        (self.name, self.server, self.agent) = (name, server, agent)
        (self.kubectl, self.command, self.dataFolder) = (kubectl, command, dataFolder)
    }

    /// Debian images, also those that ISAR builds.
    public static let debian = K3sDialect(
        name: "debian",
        server: Service(unit: "k3s-server.service", environmentFile: "/etc/default/k3s-server", optionsKey: "K3S_SERVER_OPTS"),
        agent: Service(unit: "k3s-agent.service", environmentFile: "/etc/default/k3s-agent", optionsKey: "K3S_AGENT_OPTS"))

    /// NixOS: one unit, whose role is a variable.
    public static let nixos = K3sDialect(
        name: "nixos",
        server: Service(unit: "k3s.service", environmentFile: "/etc/k3s-test/options", optionsKey: "K3S_OPTS", roleKey: "K3S_ROLE"),
        agent: Service(unit: "k3s.service", environmentFile: "/etc/k3s-test/options", optionsKey: "K3S_OPTS", roleKey: "K3S_ROLE"),
        kubectl: "k3s kubectl")

    /// Those that come with vmlab, in the order in which an image is asked.
    public static let known: [K3sDialect] = [.debian, .nixos]

    /// The variable with the token.
    public static let tokenKey = "K3S_TOKEN"

    /// The service of a role.
    public func service(isServer: Bool) -> Service { isServer ? server : agent }

    /// The units, each once.
    public var units: [String] { server.unit == agent.unit ? [server.unit] : [server.unit, agent.unit] }

    /// The first known dialect whose server unit is among those that a guest has.
    public static func matching(units: some Sequence<String>, among dialects: [K3sDialect] = known) -> K3sDialect? {
        let units = Set(units)
        return dialects.first { units.contains($0.server.unit) } ?? dialects.first { units.contains($0.agent.unit) }
    }
}

extension K3sDialect {
    /// The new content of a file with variables: its other lines stay, and the given ones are set at its end.
    ///
    /// - Parameters:
    ///   - variables: in their order. Values are put in double quotes, which systemd's `EnvironmentFile=` understands.
    ///   - removed: variables that are not to be there.
    /// - Throws: a ``Problem`` of kind `invalidInput` for a value with a line end, which no such file can carry.
    public static func environment(_ old: String, setting variables: [(key: String, value: String)], removing removed: [String] = [])
        throws(Problem) -> String
    {
        let keys = Set(variables.map(\.key) + removed)
        var lines = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).filter { line in
            let name = line.drop { $0 == " " || $0 == "\t" }.prefix { $0 != "=" }
            return !keys.contains(String(name))
        }
        while lines.last?.isEmpty ?? false { lines.removeLast() }
        for (key, value) in variables {
            if value.contains(where: \.isNewline) {
                throw Problem(.invalidInput, "the value of \(key) has a line end", why: "a file with variables has one a line")
            }
            // systemd.exec(5), EnvironmentFile=: in double quotes a backslash escapes itself, the quote, `$` and the backtick.
            let quoted = value.map { "\\\"$`".contains($0) ? "\\\($0)" : "\($0)" }.joined()
            lines.append("\(key)=\"\(quoted)\"")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
