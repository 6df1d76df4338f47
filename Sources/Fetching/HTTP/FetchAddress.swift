import FoundationEssentials
import LabEvents

/// A URL that can be fetched: `http` or `https`, no user and password in it. What is shown of it leaves the query out, which may be a signature.
struct FetchAddress: Sendable, Equatable {
    /// As it is asked for.
    let text: String
    private let scheme: String
    private let host: String
    private let port: Int

    /// - Throws: a ``Problem`` of kind `invalidInput` for another scheme, a login, or what is no URL.
    init(_ text: String) throws(Problem) {
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), let host = url.host()?.lowercased(), !host.isEmpty,
            !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
        else { throw Self.problem(Self.shown(text), "it is no URL: SCHEME://HOST/PATH, and blanks are %20") }
        guard ["http", "https"].contains(scheme) else { throw Self.problem(Self.shown(text), "'\(scheme)' is not http or https") }
        guard url.user() == nil, url.password() == nil else {
            throw Self.problem(
                "\(scheme)://…@\(host)", "it has a login in it, which a list of processes shows", remedy: Credentials.advice(host))
        }
        (self.text, self.scheme, self.host) = (text, scheme, host)
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }

    /// The host as credentials know it, with a port where that is not the scheme's own.
    var hostWithPort: String {
        let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return port == (scheme == "https" ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Scheme, host and port: whom a login is for.
    var origin: String { "\(scheme)://\(hostWithPort)" }

    /// The URL without query and fragment.
    var shown: String { Self.shown(text) }

    /// Where a redirect leads.
    ///
    /// - Throws: a ``Problem`` for a target that cannot be fetched, and for one that gives HTTPS up.
    func redirected(to location: String) throws(Problem) -> FetchAddress {
        guard let base = URL(string: text), let url = URL(string: location, relativeTo: base) else {
            throw Problem.fetch("\(shown) redirects to what is no URL", at: shown, why: nil)
        }
        let target: FetchAddress
        do throws(Problem) {
            target = try FetchAddress(url.absoluteString)
        } catch {
            throw Problem.fetch("\(shown) redirects to what cannot be fetched", at: error.location ?? shown, why: error.why)
        }
        guard scheme != "https" || target.scheme == "https" else {
            throw Problem.fetch(
                "\(shown) redirects from HTTPS to HTTP", at: target.shown,
                why: "whoever is on the way could read and change what is fetched")
        }
        return target
    }

    private static func shown(_ text: String) -> String {
        let end = text.firstIndex { $0 == "?" || $0 == "#" } ?? text.endIndex
        let bare = String(text[..<end])
        guard let at = bare.lastIndex(of: "@"), let start = bare.firstRange(of: "://")?.upperBound, start < at else { return bare }
        return bare[..<start] + "…" + bare[at...]
    }

    private static func problem(_ text: String, _ why: String, remedy: String = "give a URL as https://HOST/PATH") -> Problem {
        Problem(.invalidInput, "'\(text)' cannot be fetched", why: why, remedy: remedy)
    }
}

extension Problem {
    /// Something cannot be had from where it should come from: `env: fetch-failed`.
    static func fetch(
        _ what: String, at location: String, why: String?, remedy: String = "look at the URL, and at what the host says about it"
    ) -> Problem {
        .environment(.fetchFailed, what, location: location, why: why, remedy: remedy)
    }
}
