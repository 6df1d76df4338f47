/// A failure that a person can act on: what went wrong, where, why, and what to do next.
///
/// Every module throws this one type (or a typed error that converts to it at its border), so that the command line, a
/// report and a test all see the same four answers. The text never holds a secret: callers put names and paths in it, not values.
public struct Problem: Error, Equatable, Sendable, Codable, CustomStringConvertible {
    /// Whose fault the failure is, which decides the exit code.
    public enum Kind: String, Sendable, Codable {
        /// A command, wait or check in a scenario failed: exit code 1.
        case failure
        /// A flag, file, image or profile is not acceptable and nothing was started: exit code 2.
        case invalidInput
        /// The host cannot do what was asked: exit code 3. ``Problem/key`` names the cause from a closed list.
        case environment
        /// Another process holds what is needed: exit code 75.
        case busy
    }

    /// Whose fault the failure is.
    public var kind: Kind
    /// The fixed key of an environment problem, for example `kvm-unusable`; printed as `env: kvm-unusable`.
    public var key: EnvironmentKey?
    /// What failed, one sentence without a full stop.
    public var what: String
    /// The file (with `:line` where it has one), command or object that it happened to.
    public var location: String?
    /// The reason as far as it is known: the tool's own words, numbers.
    public var why: String?
    /// What the reader can do about it, ideally a command to paste.
    public var remedy: String?

    private enum CodingKeys: String, CodingKey {
        case kind, key, what, why
        case location = "where"
        case remedy = "do"
    }

    /// A problem from its parts.
    public init(
        _ kind: Kind, _ what: String, location: String? = nil, why: String? = nil, remedy: String? = nil, key: EnvironmentKey? = nil
    ) {
        self.kind = kind
        self.key = key
        self.what = what
        self.location = location
        self.why = why
        self.remedy = remedy
    }

    /// An environment problem with its key.
    public static func environment(
        _ key: EnvironmentKey, _ what: String, location: String? = nil, why: String? = nil, remedy: String? = nil
    ) -> Problem {
        Problem(.environment, what, location: location, why: why, remedy: remedy, key: key)
    }

    /// The process exit code that stands for this problem.
    public var exitCode: Int32 {
        switch kind {
        case .failure: 1
        case .invalidInput: 2
        case .environment: 3
        case .busy: 75
        }
    }

    /// The problem as up to four lines: `error: WHAT`, then `  where:`, `  why:` and `  do:` where they are known.
    public var description: String {
        var lines: [String] = []
        if let key { lines.append("env: \(key.rawValue)") }
        lines.append("error: \(what)")
        for (label, text) in [("where", location), ("why", why), ("do", remedy)] {
            guard let text, !text.isEmpty else { continue }
            lines.append("  \(label): " + text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n         "))
        }
        return lines.joined(separator: "\n")
    }
}

/// The closed list of reasons why a host is unfit. Printed as `env: KEY`, with exit code 3; scripts match the key, never the prose.
public enum EnvironmentKey: String, Sendable, Codable, CaseIterable {
    /// `/dev/kvm` is absent, not permitted, or does not run a guest.
    case kvmUnusable = "kvm-unusable"
    /// A program that vmlab needs is not on PATH.
    case toolMissing = "tool-missing"
    /// No UEFI firmware (OVMF) is installed.
    case firmwareMissing = "firmware-missing"
    /// The guests need more memory than the host has available.
    case noMemory = "no-memory"
    /// A file system is full, or too small for what was asked.
    case diskFull = "disk-full"
    /// A package, image or archive could not be fetched.
    case fetchFailed = "fetch-failed"
    /// The host's package sources cannot be read or used.
    case packageSources = "package-sources"
    /// A 9p file system is mounted, on which a builder's `sync` can hang.
    case ninePMount = "9p-mount"
    /// A switch of the lab ended unasked, and with it the network.
    case switchDied = "switch-died"
}
