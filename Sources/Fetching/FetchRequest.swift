/// A file to fetch by HTTP or HTTPS.
public struct FetchRequest: Sendable {
    /// Where it is.
    public var url: String
    /// The path that it gets; the folders above it are made.
    public var destination: String
    /// SHA-256 of the content in hexadecimal; `sha256:` may stand before it.
    public var sha256: String
    /// The length of the content in bytes, where it is known. Another one is an error before anything is fetched.
    public var bytes: Int64?
    /// The time without progress after which it is given up. 2 minutes by default.
    public var patience: Duration
    /// The time in which nothing comes after which a connection is given up, in whole seconds, at least 1. 20 s by default.
    public var stall: Duration

    /// A request from its parts.
    public init(
        url: String, destination: String, sha256: String, bytes: Int64? = nil, patience: Duration = .seconds(120),
        stall: Duration = .seconds(20)
    ) {
        (self.url, self.destination, self.sha256, self.bytes) = (url, destination, sha256, bytes)
        (self.patience, self.stall) = (patience, stall)
    }
}

/// What came of a request.
public struct FetchResult: Sendable, Codable, Equatable {
    /// The path of the file or folder.
    public var path: String
    /// SHA-256 that was asked for and found: of a file, or of an image's manifest.
    public var sha256: String
    /// Its size in bytes.
    public var bytes: Int64
    /// How many bytes of content came over the network; 0 for what was there already. Of an image, what its layout has grown by.
    public var received: Int64
    /// How many tries failed before.
    public var retries: Int
    /// Wall time, in seconds.
    public var seconds: Double
    /// Whose login was used, in words; nil when nobody was asked.
    public var credentials: String?
    /// Of an image: the digest of the manifest in the layout, which has another than its source where an image of one platform was taken out of an index, or
    /// where Docker's form became OCI's.
    public var manifest: String?
}
