/// What `k3s --version` says: which k3s it is, and whether it is the stand-in.
public struct K3sVersion: Sendable, Equatable, Codable, CustomStringConvertible {
    /// The version, such as `v1.34.8+k3s1`.
    public var version: String

    /// From the first line, `k3s version v1.34.8+k3s1 (1e5466b1)`; nil for anything else.
    public init?(_ text: String) {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("k3s version ") }) else { return nil }
        guard let word = line.dropFirst("k3s version ".count).split(separator: " ").first else { return nil }
        version = String(word)
    }

    /// Whether it is the stand-in and not k3s itself.
    public var isStandIn: Bool { version.contains("+standin") }

    /// `the stand-in v1.34.8+standin` or `k3s v1.34.8+k3s1`.
    public var description: String { (isStandIn ? "the stand-in " : "k3s ") + version }
}
