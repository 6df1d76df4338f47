/// What a secret looks like whose value nobody told.
enum SecretShape {
    case k3sToken, gitToken, awsKeyID, webToken, urlPassword, bearer, authorization, assignment

    /// The text that each shape begins with. All have two bytes at least.
    static let triggers: [([UInt8], SecretShape)] = {
        var list: [(String, SecretShape)] = [
            ("K10", .k3sToken), ("AKIA", .awsKeyID), ("ASIA", .awsKeyID), ("eyJ", .webToken), ("://", .urlPassword), ("bearer ", .bearer),
            ("authorization", .authorization),
        ]
        list += ["ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-"].map { ($0, .gitToken) }
        list += SecretAssignment.keywords.map { ($0, .assignment) }
        return list.map { (Array($0.0.utf8), $0.1) }
    }()

    /// Whether the trigger may be written in capitals.
    var ignoresCase: Bool {
        switch self {
        case .bearer, .authorization, .assignment: true
        case .k3sToken, .gitToken, .awsKeyID, .webToken, .urlPassword: false
        }
    }

    /// The secret that begins at a place, if there is one.
    func span(_ text: UnsafeBufferPointer<UInt8>, _ place: Int, _ trigger: [UInt8]) -> Span? {
        switch self {
        case .k3sToken: Self.k3sToken(text, place)
        case .gitToken: Self.gitToken(text, place, trigger.count)
        case .awsKeyID: Self.awsKeyID(text, place)
        case .webToken: Self.webToken(text, place)
        case .urlPassword: Self.urlPassword(text, place)
        case .bearer: Self.bearer(text, place)
        case .authorization: Self.authorization(text, place)
        case .assignment: SecretAssignment.span(text, place, trigger)
        }
    }

    private static func mark(_ name: String) -> [UInt8] { Redactor.mark(name) }

    /// `K10<SHA-256 of the CA>::user:password`, k3s' secure format.
    private static func k3sToken(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Span? {
        let hash = text.end(from: place + 3, limit: place + 68, while: \.isHexadecimal)
        guard hash == place + 67, text.matches(Array("::".utf8), at: hash) else { return nil }
        let end = text.end(from: hash + 2) { !$0.isSpace && !$0.isQuote && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: ",") }
        return end > hash + 2 ? Span(place, end, mark("k3s-token")) : nil
    }

    private static func gitToken(_ text: UnsafeBufferPointer<UInt8>, _ place: Int, _ lead: Int) -> Span? {
        let end = text.end(from: place + lead, while: \.isBase64URL)
        return end - place - lead >= 16 ? Span(place, end, mark("git-token")) : nil
    }

    private static func awsKeyID(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Span? {
        let end = text.end(from: place, limit: place + 21) { $0.isUppercase || $0.isDigit }
        guard end == place + 20, place == 0 || !text[place - 1].isBase64URL, end == text.count || !text[end].isBase64URL else { return nil }
        return Span(place, end, mark("aws-key-id"))
    }

    /// A JSON Web Token (RFC 7519), as Kubernetes gives service accounts.
    private static func webToken(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Span? {
        let header = text.end(from: place, limit: place + 512, while: \.isBase64URL)
        guard header - place >= 12, text.matches(Array(".eyJ".utf8), at: header) else { return nil }
        return Span(place, text.end(from: header) { $0.isBase64URL || $0 == UInt8(ascii: ".") }, mark("web-token"))
    }

    /// The password in `scheme://user:password@host`.
    private static func urlPassword(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Span? {
        let end = text.end(from: place + 3, limit: place + 4096) {
            !$0.isSpace && !$0.isQuote && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
                && $0 != UInt8(ascii: "<")
        }
        guard let at = text[(place + 3)..<end].lastIndex(of: UInt8(ascii: "@")),
            let colon = text[(place + 3)..<at].firstIndex(of: UInt8(ascii: ":")), colon + 1 < at,
            !SecretAssignment.isMark(text, colon + 1, at)
        else { return nil }
        return Span(colon + 1, at, mark("url-password"), context: place)
    }

    /// `Bearer X` without a header's name before it, where X cannot be a word.
    private static func bearer(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Span? {
        let start = place + 7
        let end = text.end(from: start) { $0.isBase64 || $0.isBase64URL || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "~") }
        guard end - start >= 16, text[start..<end].contains(where: \.isDigit) else { return nil }
        return Span(start, end, mark("authorization"), context: place)
    }

    /// The credentials of the HTTP header (RFC 9110, 11.6.2), in its own form, in JSON or in a program's dump of it.
    private static func authorization(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Span? {
        let name = place + 13
        let scheme = text.end(from: name, limit: name + 12) { $0.isBlank || $0.isQuote || ":=\\[".utf8.contains($0) }
        guard text[name..<scheme].contains(where: { ":=".utf8.contains($0) }) else { return nil }
        for word in ["bearer", "basic", "token", "negotiate", "digest"] where text.matchesLetters(Array(word.utf8), at: scheme) {
            let after = scheme + word.utf8.count
            let start = text.end(from: after, while: \.isBlank)
            let end = text.end(from: start) { !$0.isSpace && !$0.isQuote && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "]") }
            guard start > after, end > start, !SecretAssignment.isMark(text, start, end) else { return nil }
            return Span(start, end, mark("authorization"), context: place)
        }
        return nil
    }
}
