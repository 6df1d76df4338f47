/// An OCI or Docker image to fetch from a registry.
public struct ImageRequest: Sendable {
    /// What the image becomes on this host.
    public enum Destination: Sendable, Equatable {
        /// A folder in the form of the OCI Image Layout.
        case layout(path: String)
        /// The same as one tar file; its blobs are compressed as the registry has them.
        case archive(path: String)
    }

    /// `docker://HOST/REPOSITORY[:TAG][@sha256:DIGEST]`; `docker://` may be missing, and Docker Hub's short names are known.
    public var source: String
    /// SHA-256 of its manifest or index, where the source does not say it.
    public var sha256: String?
    /// What it becomes.
    public var destination: Destination
    /// `OS/ARCHITECTURE[/VARIANT]`, in the words of OCI; `linux/amd64` by default.
    public var platform: String
    /// The time without progress after which it is given up. 2 minutes by default.
    public var patience: Duration
    /// The time in which nothing comes after which a try is given up. 1 minute by default: skopeo itself waits as long when a registry asks for it.
    public var stall: Duration

    /// A request from its parts.
    public init(
        source: String, sha256: String? = nil, destination: Destination, platform: String = "linux/amd64",
        patience: Duration = .seconds(120),
        stall: Duration = .seconds(60)
    ) {
        (self.source, self.sha256, self.destination) = (source, sha256, destination)
        (self.platform, self.patience, self.stall) = (platform, patience, stall)
    }
}
