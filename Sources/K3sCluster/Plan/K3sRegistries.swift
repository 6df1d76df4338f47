public import Fetching
import FoundationEssentials
public import LabEvents

/// Where images come from, and with which credentials: `/etc/rancher/k3s/registries.yaml`. Its description shows no password.
///
/// Nothing is taken from the host unless a variable names it. `VMLAB_REGISTRIES` lists registries with blanks between them, each `HOST` or `HOST=URL` with the
/// mirror to ask instead. The login of a host is what ``Credentials`` finds; an identity token is none that containerd could use.
public struct K3sRegistries: Sendable, Equatable {
    /// One registry.
    public struct Registry: Sendable, Equatable {
        /// Its host, with a port where it has one.
        public var host: String
        /// The URL that is asked instead of it; nil for itself.
        public var mirror: String?
        /// The user; nil for a registry that asks for none.
        public var user: String?
        /// The login.
        var login: Login?
    }

    /// In the order in which they were named.
    public var registries: [Registry]

    /// The file of k3s.
    public static let path = "/etc/rancher/k3s/registries.yaml"

    /// The registries that an environment names.
    ///
    /// - Parameters:
    ///   - environment: the variables.
    ///   - credentials: where logins come from.
    /// - Throws: a ``Problem`` of kind `invalidInput` for what is no registry, and what ``Credentials/login(for:remark:)`` throws.
    public init(environment: [String: String], credentials: Credentials) async throws {
        registries = []
        let words = (environment["VMLAB_REGISTRIES"] ?? "").split(whereSeparator: \.isWhitespace)
        guard !words.isEmpty else { return }
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard let host = parts.first, !host.contains("/"), !host.contains("\"") else {
                throw Problem(.invalidInput, "'\(word)' in VMLAB_REGISTRIES is no registry", why: "HOST or HOST=URL is needed")
            }
            var registry = Registry(host: host, mirror: parts.count > 1 ? parts[1] : nil)
            if let login = try await credentials.login(for: host).login, let user = login.user {
                (registry.user, registry.login) = (user, login)
            }
            registries.append(registry)
        }
    }

    /// The registries that this process's environment names.
    public static func fromEnvironment() async throws -> K3sRegistries {
        try await K3sRegistries(environment: ProcessInfo.processInfo.environment, credentials: .standard())
    }

    /// The file's content, for root alone; nil when there is nothing to say.
    public var yaml: String? {
        guard !registries.isEmpty else { return nil }
        var (mirrors, configs) = ("", "")
        for registry in registries {
            if let mirror = registry.mirror {
                mirrors += "  \(Self.quoted(registry.host)):\n    endpoint:\n      - \(Self.quoted(mirror))\n"
            }
            guard let user = registry.user, let password = registry.login?.secret else { continue }
            for host in Self.hosts(registry) {
                configs +=
                    "  \(Self.quoted(host)):\n    auth:\n      username: \(Self.quoted(user))\n      password: \(Self.quoted(password))\n"
            }
        }
        let parts = [mirrors.isEmpty ? "" : "mirrors:\n" + mirrors, configs.isEmpty ? "" : "configs:\n" + configs].filter { !$0.isEmpty }
        return parts.isEmpty ? nil : parts.joined()
    }

    /// Tells the redactor the passwords.
    public func hide(in redactor: Redactor) throws(Problem) {
        for registry in registries { try registry.login?.hide(in: redactor, name: "registry-password") }
    }

    /// The hosts that containerd looks credentials up for: those that it connects to.
    private static func hosts(_ registry: Registry) -> [String] {
        var hosts = [registry.host]
        // Docker Hub's images are asked for at another host than they are named by.
        if registry.host == "docker.io" { hosts.append("registry-1.docker.io") }
        if let mirror = registry.mirror, let host = URL(string: mirror)?.host() {
            let port = URL(string: mirror)?.port.map { ":\($0)" } ?? ""
            if !hosts.contains(host + port) { hosts.append(host + port) }
        }
        return hosts
    }

    private static func quoted(_ text: String) -> String {
        // A double-quoted YAML text takes JSON's escapes.
        (try? JSONEncoder.plain.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}

extension K3sRegistries: CustomStringConvertible, CustomReflectable {
    /// The hosts, and which of them have credentials.
    public var description: String {
        registries.map { registry in
            registry.host + (registry.mirror.map { " at \($0)" } ?? "") + (registry.user.map { " as \($0)" } ?? "")
        }.joined(separator: ", ")
    }

    /// Nothing, so that no dump shows a password.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension JSONEncoder {
    static var plain: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return encoder
    }
}
