import FoundationEssentials
public import LabEvents

/// Where images come from, and with which credentials: `/etc/rancher/k3s/registries.yaml`. Its description shows no password.
///
/// Nothing is taken from the host unless a variable names it. `VMLAB_REGISTRIES` lists registries with blanks between them, each `HOST` or `HOST=URL` with the
/// mirror to ask instead. The credentials of a host are the variables `VMLAB_REGISTRY_<HOST>_USER` and `…_PASSWORD`, where `<HOST>` is in capitals with `_` for
/// everything but letters and digits, and else what `docker login` left in `~/.docker/config.json` (or `$DOCKER_CONFIG/config.json`).
public struct K3sRegistries: Sendable, Equatable {
    /// One registry.
    public struct Registry: Sendable, Equatable {
        /// Its host, with a port where it has one.
        public var host: String
        /// The URL that is asked instead of it; nil for itself.
        public var mirror: String?
        /// The user; nil for a registry that asks for none.
        public var user: String?
        /// The password.
        var password: String?
    }

    /// In the order in which they were named.
    public var registries: [Registry]

    /// The file of k3s.
    public static let path = "/etc/rancher/k3s/registries.yaml"

    /// The registries that an environment names.
    ///
    /// - Parameters:
    ///   - environment: the variables.
    ///   - dockerConfiguration: the bytes of a Docker configuration; nil where there is none.
    /// - Throws: a ``Problem`` of kind `invalidInput` for a password without a user, and for a configuration that cannot be read.
    public init(environment: [String: String], dockerConfiguration: [UInt8]? = nil) throws(Problem) {
        registries = []
        let words = (environment["VMLAB_REGISTRIES"] ?? "").split(whereSeparator: \.isWhitespace)
        guard !words.isEmpty else { return }
        let logins = try dockerConfiguration.map { bytes throws(Problem) in try Self.logins(bytes) } ?? [:]
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard let host = parts.first, !host.contains("/"), !host.contains("\"") else {
                throw Problem(.invalidInput, "'\(word)' in VMLAB_REGISTRIES is no registry", why: "HOST or HOST=URL is needed")
            }
            let key = "VMLAB_REGISTRY_\(Self.variable(host))"
            var registry = Registry(host: host, mirror: parts.count > 1 ? parts[1] : nil)
            if let password = environment["\(key)_PASSWORD"] {
                guard let user = environment["\(key)_USER"] else {
                    throw Problem(.invalidInput, "\(key)_PASSWORD is set without \(key)_USER")
                }
                (registry.user, registry.password) = (user, password)
            } else if let login = logins[host] {
                (registry.user, registry.password) = (login.user, login.password)
            }
            registries.append(registry)
        }
    }

    /// The registries that this process's environment names.
    public static func fromEnvironment() throws(Problem) -> K3sRegistries {
        let environment = ProcessInfo.processInfo.environment
        let folder = environment["DOCKER_CONFIG"] ?? environment["HOME"].map { $0 + "/.docker" }
        let bytes = folder.flatMap { try? Data(contentsOf: URL(filePath: $0 + "/config.json")) }.map { [UInt8]($0) }
        return try K3sRegistries(environment: environment, dockerConfiguration: bytes)
    }

    /// The file's content, for root alone; nil when there is nothing to say.
    public var yaml: String? {
        guard !registries.isEmpty else { return nil }
        var (mirrors, configs) = ("", "")
        for registry in registries {
            if let mirror = registry.mirror {
                mirrors += "  \(Self.quoted(registry.host)):\n    endpoint:\n      - \(Self.quoted(mirror))\n"
            }
            guard let user = registry.user, let password = registry.password else { continue }
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
        for registry in registries {
            guard let password = registry.password else { continue }
            try redactor.add(secret: password, name: "registry-password")
            // What HTTP and Docker's file make of both.
            let pair = Data("\(registry.user ?? ""):\(password)".utf8).base64EncodedString()
            try redactor.add(secret: pair, name: "registry-password")
        }
    }

    /// `VMLAB_REGISTRY_<this>_USER`.
    static func variable(_ host: String) -> String {
        String(host.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
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

    // MARK: Docker

    private struct Configuration: Decodable {
        struct Entry: Decodable {
            var auth: String?
            var username: String?
            var password: String?
        }
        var auths: [String: Entry]?
    }

    /// The logins by host. What a credential helper keeps is not in the file.
    private static func logins(_ bytes: [UInt8]) throws(Problem) -> [String: (user: String, password: String)] {
        guard let configuration = try? JSONDecoder().decode(Configuration.self, from: Data(bytes)) else {
            throw Problem(.invalidInput, "the Docker configuration cannot be read", why: "it is no JSON with `auths`")
        }
        var logins: [String: (user: String, password: String)] = [:]
        for (name, entry) in configuration.auths ?? [:] {
            var pair = entry.username.flatMap { user in entry.password.map { (user: user, password: $0) } }
            if let auth = entry.auth, let data = Data(base64Encoded: auth) {
                let parts = String(decoding: data, as: UTF8.self).split(separator: ":", maxSplits: 1).map(String.init)
                if parts.count == 2 { pair = (parts[0], parts[1]) }
            }
            if let pair { logins[host(name)] = pair }
        }
        return logins
    }

    /// Docker calls its own registry `https://index.docker.io/v1/`.
    private static func host(_ name: String) -> String {
        let host = name.split(separator: "/").first { !$0.hasSuffix(":") }.map(String.init) ?? name
        return host == "index.docker.io" ? "docker.io" : host
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
