public import LabEvents
import FoundationEssentials

/// Fetches files and images: the one way for verbs, builders, scenarios and tests.
///
/// What was fetched has its checksum, or it is not there. What is interrupted goes on where it was. Trouble that passes (timeouts, resets, answers 5xx and 429) is
/// tried again for as long as it gets on; what does not pass ends at once. Who is asked gets the login of its host alone (``Credentials``), and nobody
/// else does, also not after a redirect.
public struct Fetcher: Sendable {
    let credentials: Credentials
    let redactor: Redactor
    let environment: [String: String]
    let progress: @Sendable (FetchEvent) -> Void
    let queue = FileQueue()

    /// A fetcher.
    ///
    /// - Parameters:
    ///   - credentials: who this user is; nil for what the environment and Docker's configuration say.
    ///   - redactor: told every secret before its first use, so that a lab's logs have none.
    ///   - environment: the environment of curl and skopeo, proxies included; nil for this process's own. Nothing of `VMLAB_…` is handed on.
    ///   - progress: what happens.
    public init(
        credentials: Credentials? = nil, redactor: Redactor = Redactor(), environment: [String: String]? = nil,
        progress: @escaping @Sendable (FetchEvent) -> Void = { _ in }
    ) {
        self.environment = environment ?? ProcessInfo.processInfo.environment
        self.credentials = credentials ?? .standard(environment: self.environment)
        (self.redactor, self.progress) = (redactor, progress)
    }

    /// A host's login, hidden from here on.
    func login(for host: String) async throws -> HostLogin {
        let found = try await credentials.login(for: host) { progress(.remark($0)) }
        progress(.asking(host: host, source: found.source))
        // A password of few letters cannot be found in a text, so nothing of what the other side says is shown.
        var isHidden = true
        do throws(Problem) {
            try found.login?.hide(in: redactor, name: "\(host)-login")
        } catch {
            isHidden = false
        }
        return HostLogin(host: host, login: found.login, source: found.source, isHidden: isHidden)
    }

    /// Somebody's words, as they may be shown: one line of at most 400 characters. Pages for browsers are left out.
    func shown(_ words: String, _ login: HostLogin) -> String {
        let first = words.first { !$0.isWhitespace }
        guard login.isHidden, first != "<" else { return "" }
        let lines = redactor.redact(words).split(whereSeparator: \.isNewline).map { $0.filter { !$0.isASCII || $0 >= " " } }
        return String(lines.joined(separator: " ").prefix(400))
    }

    /// Waits between two tries.
    func pause(_ why: String, _ delay: Duration) async throws {
        progress(.retrying(why: why, delay: delay))
        try await Task.sleep(for: delay)
    }

    /// An absolute path without a slash at its end.
    static func absolute(_ path: String) -> String {
        var path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

/// Whom a host knows us as.
struct HostLogin: Sendable {
    var host: String
    var login: Login?
    var source: CredentialSource
    /// Whether the redactor finds the secret in what others say.
    var isHidden: Bool

    /// A refusal, with what to do about it.
    func refused(_ what: String, at location: String, _ why: String) -> Problem {
        let known = source == .anonymous ? "no credentials were sent" : "the login was that of \(source)"
        return .fetch(
            what, at: location, why: [why, known].filter { !$0.isEmpty }.joined(separator: "; "),
            remedy: source == .anonymous ? Credentials.advice(host) : "correct that login, or ask for the right to this")
    }

    /// What to do about an answer 429.
    ///
    /// - Parameter words: what the host said with it.
    func quotaAdvice(_ words: String) -> String? {
        let isHub = host == "docker.io" || host.hasSuffix(".docker.io") || host.hasSuffix(".docker.com")
        // Mirrors of Docker Hub hand its words on.
        let isHubsWord = words.contains("docker.com/increase-rate-limit") || words.contains("pull rate limit")
        guard isHub || isHubsWord else { return nil }
        guard source == .anonymous else { return "Docker Hub's quota for this login is likely used up: wait, or use another login" }
        return "Docker Hub's quota for anonymous pulls, which counts by address, is likely used up: " + Credentials.advice("docker.io")
            + (isHub ? "" : " docker.io at \(host), or \(Credentials.variable(host))_USER and …_PASSWORD if it has logins of its own")
    }
}
