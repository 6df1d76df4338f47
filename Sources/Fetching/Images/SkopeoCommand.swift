import FoundationEssentials
import LabEvents

/// What skopeo is told, and what its words mean (skopeo-copy(1)).
struct SkopeoCommand {
    var reference: ImageReference
    var platform: String
    var layout: String
    var login: Login?

    /// Its arguments. The login is in a file without a name, which is its standard input.
    var arguments: [String] {
        let parts = platform.split(separator: "/").map(String.init)
        var words = ["--override-os", parts[0], "--override-arch", parts[1]]
        if parts.count > 2 { words += ["--override-variant", parts[2]] }
        words += ["copy", "--quiet"]
        words += login == nil ? ["--src-no-creds"] : ["--src-authfile", "/proc/self/fd/0"]
        if reference.isLoopback { words.append("--src-tls-verify=false") }
        return words + [reference.text, "oci:\(layout)"]
    }

    /// The file of logins, with the one that this registry gets (containers-auth.json(5)).
    var authentication: String {
        var entry: [String: String] = [:]
        if let login {
            entry["auth"] = login.user == nil ? Base64.text("<token>:") : login.pair
            if login.user == nil { entry["identitytoken"] = login.secret }
        }
        let data = try? JSONEncoder().encode(["auths": [reference.host: entry]])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// What ended it.
    enum Failure: Equatable {
        case quota, refused, absent, noSpace, permanent, transient
    }

    /// Sorts what skopeo says. It has one exit status, and passes on what Go's net/http, the registry (distribution-spec, "Error Codes") and the kernel say.
    static func failure(_ words: String) -> Failure {
        let words = words.lowercased()
        func has(_ texts: String...) -> Bool { texts.contains { words.contains($0) } }
        if has("no space left on device", "disk quota exceeded") { return .noSpace }
        if has("toomanyrequests", "too many requests", "429") { return .quota }
        if has(
            "unauthorized", "authentication required", "denied", "invalid username/password", "403 (forbidden)",
            "unable to retrieve auth token")
        {
            return .refused
        }
        if has("manifest unknown", "name unknown", "name invalid", "404 (not found)", "blob unknown") { return .absent }
        if has(
            "does not match provided manifest digest", "x509:", "no image found in manifest list",
            "server gave http response to https client",
            "unsupported manifest", "policy.json", "rejected by policy", "permission denied", "read-only file system", "unknown flag")
        {
            return .permanent
        }
        return .transient
    }

    /// The words of its last message, without its time stamps.
    static func message(_ words: String) -> String {
        guard let start = words.ranges(of: "msg=\"").last?.upperBound else { return words }
        return String(words[start...].prefix { !$0.isNewline }).replacing("\\\"", with: "'").replacing("\"", with: "")
    }
}
