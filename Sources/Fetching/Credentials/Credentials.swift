import FoundationEssentials
import LabEvents

/// Who this user is for which host: the environment's word first, then Docker's configuration and its helpers, then nobody.
///
/// The variables of a host are `VMLAB_REGISTRY_<HOST>_USER` and `VMLAB_REGISTRY_<HOST>_PASSWORD`, where `<HOST>` is the host, with `:PORT` where it is not its
/// scheme's own, in capitals and with `_` for everything but letters and digits. Docker's configuration is `$DOCKER_CONFIG/config.json`, else
/// `~/.docker/config.json`: `credHelpers`, `auths` and `credsStore`, in this order.
public struct Credentials: Sendable {
    /// A login, or nil, and where that was found.
    public typealias Found = (login: Login?, source: CredentialSource)

    private let environment: [String: String]
    private let dockerFile: [UInt8]?
    private let path: String

    /// What an environment and a configuration say.
    ///
    /// - Parameters:
    ///   - environment: the variables.
    ///   - dockerConfiguration: the bytes of Docker's configuration; nil where there is none.
    ///   - path: what messages call the file.
    public init(environment: [String: String], dockerConfiguration: [UInt8]? = nil, path: String = "~/.docker/config.json") {
        (self.environment, dockerFile, self.path) = (environment, dockerConfiguration, path)
    }

    /// What this process's environment and its user's configuration say.
    ///
    /// - Parameter environment: the variables; nil for the process's own.
    public static func standard(environment: [String: String]? = nil) -> Credentials {
        let environment = environment ?? ProcessInfo.processInfo.environment
        let folder = environment["DOCKER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 } ?? environment["HOME"].map { $0 + "/.docker" }
        let path = folder.map { $0 + "/config.json" }
        let bytes = path.flatMap { try? Data(contentsOf: URL(filePath: $0)) }.map { [UInt8]($0) }
        return Credentials(environment: environment, dockerConfiguration: bytes, path: path ?? "~/.docker/config.json")
    }

    /// The login of a host.
    ///
    /// - Parameters:
    ///   - host: its name, with `:PORT` where that is not its scheme's own; Docker Hub is `docker.io`.
    ///   - remark: told what is passed over, such as a `credsStore` that does not work.
    /// - Throws: a ``Problem`` of kind `invalidInput` for half a login, for a configuration that cannot be read, and for a helper of the host's own that fails.
    public func login(for host: String, remark: (String) -> Void = { _ in }) async throws -> Found {
        let host = host.lowercased()
        let name = Self.variable(host)
        if let found = try variables(name) { return (found, .environment(variable: name)) }
        let docker = try dockerFile.map { bytes throws(Problem) in try DockerConfiguration(bytes, path: path) } ?? DockerConfiguration()
        if let helper = docker.helper(host) {
            let login = try await CredentialHelper(name: helper, environment: environment).login(DockerConfiguration.serverName(host))
            return login.map { ($0, .helper(name: helper)) } ?? (nil, .anonymous)
        }
        if let login = docker.login(host) { return (login, .dockerConfiguration(path: path)) }
        if let store = docker.store {
            do throws(Problem) {
                let login = try await CredentialHelper(name: store, environment: environment).login(DockerConfiguration.serverName(host))
                if let login { return (login, .helper(name: store)) }
            } catch {
                // It was set for whatever host, most of which need no login.
                remark("docker-credential-\(store) is passed over: \(error.why ?? error.what)")
            }
            try Task.checkCancellation()
        }
        return (nil, .anonymous)
    }

    /// The beginning of the names of a host's variables: `VMLAB_REGISTRY_REGISTRY_EXAMPLE_5000`.
    public static func variable(_ host: String) -> String {
        "VMLAB_REGISTRY_" + String(host.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    /// What a user can do to be known to a host.
    static func advice(_ host: String) -> String {
        let name = variable(host)
        return "set \(name)_USER and \(name)_PASSWORD, or run: docker login" + (host == "docker.io" ? "" : " \(host)")
    }

    private func variables(_ name: String) throws(Problem) -> Login? {
        let (user, password) = (environment["\(name)_USER"] ?? "", environment["\(name)_PASSWORD"] ?? "")
        if password.isEmpty, user.isEmpty { return nil }
        let present = password.isEmpty ? "USER" : "PASSWORD"
        let absent = password.isEmpty ? "PASSWORD" : "USER"
        guard !password.isEmpty, !user.isEmpty else {
            throw Problem(.invalidInput, "\(name)_\(present) is set without \(name)_\(absent)", remedy: "set both, or neither")
        }
        guard !user.contains(":"), !(user + password).contains(where: \.isNewline) else {
            throw Problem(
                .invalidInput, "\(name)_USER and …_PASSWORD cannot be sent", why: "a user has no colon, and both are one line each")
        }
        return Login(user: user, password: password)
    }
}
