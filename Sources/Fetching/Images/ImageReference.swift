import LabEvents

/// An image in a registry, by its digest (github.com/distribution/reference, `normalize.go`).
struct ImageReference: Equatable, Sendable {
    /// The registry's host, with its port where one was given; `docker.io` for Docker Hub.
    var host: String
    /// The repository, such as `library/debian`.
    var repository: String
    /// SHA-256 of the manifest or index, in hexadecimal.
    var sha256: String

    /// As skopeo takes it.
    var text: String { "docker://\(host)/\(repository)@sha256:\(sha256)" }

    /// Whether the registry is on this host, where HTTP without TLS is common, and as safe.
    var isLoopback: Bool {
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        return name == "localhost" || name == "[::1]" || (name.hasPrefix("127.") && name.allSatisfy { $0.isNumber || $0 == "." })
    }

    /// - Throws: a ``Problem`` of kind `invalidInput` for what is no such name, and for one without a digest.
    init(_ source: String, sha256: String?) throws(Problem) {
        func problem(_ why: String, _ remedy: String) -> Problem {
            Problem(.invalidInput, "'\(source)' is no image that can be fetched", why: why, remedy: remedy)
        }
        var rest = source.hasPrefix("docker://") ? String(source.dropFirst(9)) : source
        var digest = sha256
        if let at = rest.firstIndex(of: "@") {
            let own = String(rest[rest.index(after: at)...])
            rest = String(rest[..<at])
            guard own.hasPrefix("sha256:"), let found = FileDigest.normalized(own) else {
                throw problem("'\(own)' is no digest", "give it as @sha256: with 64 hexadecimal digits")
            }
            guard sha256.map({ FileDigest.normalized($0) == found }) ?? true else {
                throw problem("its digest and the SHA-256 beside it differ", "leave one of them out")
            }
            digest = found
        }
        guard let digest, let normalized = FileDigest.normalized(digest) else {
            throw problem(
                digest == nil ? "a tag can lead to another image tomorrow" : "'\(digest ?? "")' is no SHA-256",
                "name the digest: HOST/REPOSITORY@sha256:…, as skopeo inspect --format '{{.Digest}}' docker://\(rest) says it")
        }
        let slash = rest.lastIndex(of: "/").map { rest.index(after: $0) } ?? rest.startIndex
        if let colon = rest[slash...].firstIndex(of: ":"), slash > rest.startIndex || !rest.contains("/") { rest = String(rest[..<colon]) }
        var parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if let first = parts.first, parts.count > 1, first.contains(".") || first.contains(":") || first == "localhost" {
            host = DockerConfiguration.host(first)
            parts.removeFirst()
        } else {
            host = "docker.io"
        }
        if host == "docker.io", parts.count == 1 { parts.insert("library", at: 0) }
        let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789._-")
        guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(allowed.contains) }),
            host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-:[]".contains($0)) })
        else { throw problem("it is not HOST/REPOSITORY in small letters", "give it as docker://HOST/REPOSITORY@sha256:DIGEST") }
        (repository, self.sha256) = (parts.joined(separator: "/"), normalized)
    }
}
