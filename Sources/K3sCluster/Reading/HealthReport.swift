/// What `/readyz?verbose` and its like answer.
public struct HealthReport: Sendable, Equatable, Codable {
    /// The checks that passed.
    public var passed: [String]
    /// The checks that failed.
    public var failed: [String]
    /// Whether the whole passed: the last line says so.
    public var isHealthy: Bool

    /// From the text; nil for one that has no checks, such as a Status object of a server that is still starting.
    public init?(_ text: String) {
        (passed, failed, isHealthy) = ([], [], false)
        for line in text.split(separator: "\n") {
            let name = line.dropFirst(3).split(separator: " ").first.map(String.init)
            if line.hasPrefix("[+]"), let name { passed.append(name) }
            if line.hasPrefix("[-]"), let name { failed.append(name) }
            if line.hasSuffix(" check passed") { isHealthy = true }
        }
        guard isHealthy || !passed.isEmpty || !failed.isEmpty else { return nil }
        if !failed.isEmpty { isHealthy = false }
    }

    /// `25 checks passed`, or those that failed.
    public var text: String { failed.isEmpty ? "\(passed.count) checks passed" : "failed: " + failed.joined(separator: ", ") }
}
