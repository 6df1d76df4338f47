import FoundationEssentials

/// Where the files of an image come from, as far as whoever made them knows.
public struct Provenance: Sendable, Codable, Equatable {
    /// What made them, for example `isar` or `mmdebstrap`.
    public var builder: String
    /// SHA-256 or version of that builder.
    public var builderDigest: String?
    /// Digest of the container that it ran in.
    public var container: String?
    /// The kas files in their order.
    public var chain: [String]
    /// The commit of the sources; nil where they are in no git repository.
    public var revision: String?
    /// Whether the sources differ from that commit.
    public var isDirty: Bool?
    /// Everything that was to decide the result, by name, where the builder knows it: digests of files, or texts. Equal inputs need no second build.
    public var inputs: [String: String]?
    /// The host's name.
    public var host: String
    /// When it was registered, UTC, ISO 8601.
    public var registeredAt: String
    /// How long the build took, seconds.
    public var buildSeconds: Double?

    /// Provenance from its parts; time and host are now and here.
    public init(
        builder: String, builderDigest: String? = nil, container: String? = nil, chain: [String] = [], revision: String? = nil,
        isDirty: Bool? = nil, inputs: [String: String]? = nil, buildSeconds: Double? = nil
    ) {
        self.builder = builder
        self.builderDigest = builderDigest
        self.container = container
        self.chain = chain
        self.revision = revision
        self.isDirty = isDirty
        self.inputs = inputs
        self.buildSeconds = buildSeconds
        host = ProcessInfo.processInfo.hostName
        registeredAt = Date.now.formatted(.iso8601)
    }

    /// The provenance of a variant that was made by its builder, with the state of the git repository that declares it.
    @concurrent
    public static func of(_ variant: ImageVariant) async -> Provenance {
        let git = await GitState.of(variant.folder)
        return Provenance(
            builder: variant.builder.rawValue, chain: variant.chain, revision: git?.revision, isDirty: git?.isDirty)
    }
}

/// What git says of a folder.
struct GitState: Sendable, Equatable {
    var revision: String
    var isDirty: Bool

    /// The state of the repository around `folder`; nil where there is none, or no git.
    static func of(_ folder: String) async -> GitState? {
        let runner = ToolRunner(tools: HostTools())
        guard let head = try? await runner.outcome(["git", "-C", folder, "rev-parse", "HEAD"]), head.succeeded,
            let revision = head.tail.last, let status = try? await runner.outcome(["git", "-C", folder, "status", "--porcelain"]),
            status.succeeded
        else { return nil }
        return GitState(revision: revision, isDirty: status.tail.contains { !$0.isEmpty })
    }
}
