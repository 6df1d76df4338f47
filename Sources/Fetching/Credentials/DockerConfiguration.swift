import FoundationEssentials
import LabEvents

/// What `docker login` and its like leave in `config.json`
/// ([docker login](https://docs.docker.com/reference/cli/docker/login/), `cli/config/configfile/file.go` of docker/cli).
struct DockerConfiguration: Sendable {
    /// One entry of `auths`.
    struct Entry: Decodable, Sendable {
        var auth: String?
        var username: String?
        var password: String?
        var identitytoken: String?

        /// The login; nil for the empty entry that stands for one kept by a helper.
        var login: Login? {
            if let identitytoken, !identitytoken.isEmpty { return Login(identityToken: identitytoken) }
            if let auth, let pair = Base64.decoded(auth) {
                let parts = pair.split(separator: ":", maxSplits: 1).map(String.init)
                if parts.count == 2 { return Login(user: parts[0], password: parts[1]) }
            }
            guard let username, let password, !username.isEmpty else { return nil }
            return Login(user: username, password: password)
        }
    }

    private struct File: Decodable {
        var auths: [String: Entry]?
        var credHelpers: [String: String]?
        var credsStore: String?
    }

    private var entries: [String: Entry] = [:]
    private var helpers: [String: String] = [:]
    /// The helper for hosts that have none of their own.
    private(set) var store: String?

    /// No configuration: nobody is known.
    init() {}

    /// - Throws: a ``Problem`` of kind `invalidInput` for what is no such file.
    init(_ bytes: [UInt8], path: String) throws(Problem) {
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: Data(bytes))
        } catch {
            throw Problem(
                .invalidInput, "the Docker configuration cannot be read", location: path, why: "it is no JSON with `auths`",
                remedy: "correct it, or name another folder with DOCKER_CONFIG")
        }
        for (name, entry) in file.auths ?? [:] where entry.login != nil { entries[Self.host(name)] = entry }
        for (name, helper) in file.credHelpers ?? [:] { helpers[Self.host(name)] = helper }
        store = file.credsStore.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The login that stands in the file itself.
    func login(_ host: String) -> Login? { entries[host]?.login }

    /// The helper of a host of its own.
    func helper(_ host: String) -> String? { helpers[host] }

    /// What helpers call a host: Docker knows its own registry as `https://index.docker.io/v1/`.
    static func serverName(_ host: String) -> String { host == "docker.io" ? "https://index.docker.io/v1/" : host }

    /// The host of a name in the file, which may be a URL with a path.
    static func host(_ name: String) -> String {
        let parts = name.split(separator: "/").map(String.init)
        let host = (parts.first { !$0.hasSuffix(":") } ?? name).lowercased()
        return ["index.docker.io", "registry-1.docker.io"].contains(host) ? "docker.io" : host
    }
}
