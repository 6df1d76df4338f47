import Crypto
public import LabEvents

/// The secret with which nodes join a cluster. Its description never shows it.
///
/// k3s knows three forms (`pkg/clientaccess/token.go:parseToken`): a password alone, `K10<hash>::<user>:<password>`, and a bootstrap token
/// `<id>.<secret>`, the latter also behind `K10<hash>::`.
public struct K3sToken: Sendable, Equatable {
    /// Who the bearer is.
    public enum Credentials: Sendable, Equatable {
        /// A user, empty where none was named, and a password.
        case password(user: String, password: String)
        /// A bootstrap token: 6 and 16 lower-case letters and digits.
        case bootstrap(id: String, secret: String)
    }

    /// SHA-256 of the cluster's CA, 64 hexadecimal digits; nil where the token has none, and then whoever answers is trusted.
    public var caHash: String?
    /// Who the bearer is.
    public var credentials: Credentials

    /// A token from its parts.
    public init(caHash: String? = nil, credentials: Credentials) { (self.caHash, self.credentials) = (caHash, credentials) }

    /// Reads a token.
    ///
    /// - Parameter text: any of the forms; white space around it does not count.
    /// - Throws: a ``Problem`` of kind `invalidInput` in k3s's own words.
    public init(parsing text: String) throws(Problem) {
        var rest = Substring(text)
        while rest.last?.isWhitespace ?? false { rest.removeLast() }
        while rest.first?.isWhitespace ?? false { rest.removeFirst() }
        guard !rest.isEmpty else { throw Self.problem("token must not be empty") }
        var hash: Substring?
        if rest.hasPrefix(Self.prefix) {
            rest.removeFirst(Self.prefix.count)
            if let separator = rest.firstRange(of: "::") {
                hash = rest[..<separator.lowerBound]
                rest = rest[separator.upperBound...]
            }
            if let hash, !hash.isEmpty, hash.utf8.count != Self.hashLength { throw Self.problem("invalid token CA hash length") }
        } else if Self.bootstrap(rest) == nil {
            rest = ":" + rest
        }
        caHash = hash.flatMap { $0.isEmpty ? nil : String($0) }
        if let bootstrap = Self.bootstrap(rest) {
            credentials = bootstrap
            return
        }
        let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { throw Self.problem("invalid token format") }
        credentials = .password(user: String(parts[0]), password: String(parts[1]))
    }

    /// A new random password of 32 hexadecimal digits, as k3s makes for itself (`getServerPass`).
    public static func generated() -> K3sToken {
        var random = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef")
        let password = String((0..<32).map { _ in digits[Int(random.next(upperBound: UInt(16)))] })
        return K3sToken(credentials: .password(user: "", password: password))
    }

    /// The token itself, for a file that only root can read.
    public var secretText: String {
        switch (caHash, credentials) {
        case (let hash?, .password(let user, let password)): "\(Self.prefix)\(hash)::\(user):\(password)"
        case (nil, .password("", let password)): password
        case (nil, .password(let user, let password)): "\(Self.prefix)::\(user):\(password)"
        case (let hash?, .bootstrap(let id, let secret)): "\(Self.prefix)\(hash)::\(id).\(secret)"
        case (nil, .bootstrap(let id, let secret)): "\(id).\(secret)"
        }
    }

    /// Tells the redactor everything of the token that must not be written.
    ///
    /// - Throws: a ``Problem`` for a password that is too short to be kept out of the logs.
    public func hide(in redactor: Redactor) throws(Problem) {
        switch credentials {
        case .password(_, let password): try redactor.add(secret: password, name: "k3s-token")
        case .bootstrap(_, let secret): try redactor.add(secret: secret, name: "k3s-token")
        }
        try redactor.add(secret: secretText, name: "k3s-token")
    }

    /// The hash of a CA as a token has it (`hashCA`): of the bytes of the file as they are, when that has one certificate.
    ///
    /// - Parameter bundle: the answer of `/cacerts`.
    /// - Returns: 64 hexadecimal digits; nil for a bundle of several certificates, where k3s hashes the root that it finds among them.
    public static func hash(ofCA bundle: [UInt8]) -> String? {
        let certificates = String(decoding: bundle, as: UTF8.self).components(of: "-----BEGIN CERTIFICATE-----")
        guard certificates == 1 else { return nil }
        let digits = Array("0123456789abcdef")
        return String(SHA256.hash(data: bundle).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    private static let prefix = "K10"
    private static let hashLength = 64

    /// `[a-z0-9]{6}.[a-z0-9]{16}`.
    private static func bootstrap(_ text: Substring) -> Credentials? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 6, parts[1].utf8.count == 16,
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) } })
        else { return nil }
        return .bootstrap(id: String(parts[0]), secret: String(parts[1]))
    }

    private static func problem(_ what: String) -> Problem {
        Problem(.invalidInput, what, why: "PASSWORD, K10<CA hash>::<user>:<password> and <id>.<secret> are the forms of a token")
    }
}

extension K3sToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What kind it is, without the secret.
    public var description: String {
        let kind = if case .bootstrap = credentials { "a bootstrap token" } else { "a token" }
        return kind + (caHash.map { " for the CA \($0.prefix(12))…" } ?? " without a CA hash")
    }

    /// As ``description``.
    public var debugDescription: String { description }
    /// Nothing, so that no dump shows it.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension String {
    fileprivate func components(of separator: String) -> Int { ranges(of: separator).count }
}
