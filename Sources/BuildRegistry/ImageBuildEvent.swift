/// What happens while an image is made ready, in the order it happens.
public enum ImageBuildEvent: Sendable, Equatable {
    /// The image is in the cache; nothing is built.
    case reused(image: String, key: String)
    /// Another process builds the same image; this one waits for it. `holder` is its process id, where known.
    case waiting(image: String, holder: String?)
    /// What lies in the cache is incomplete or has another size than recorded; it is built anew. `reason` says what.
    case damaged(image: String, reason: String)
    /// A build starts.
    case started(image: String, key: String)
    /// Step `number` of `count` starts.
    case stepStarted(image: String, step: String, number: Int, count: Int)
    /// Packages are being worked on: `done` of `total`, as far as known.
    case packages(image: String, activity: PackageActivity, done: Int, total: Int?)
    /// A step has ended after `seconds`.
    case stepFinished(image: String, step: String, seconds: Double)
    /// The image is in the cache: wall time in seconds, its size there in bytes.
    case finished(image: String, key: String, seconds: Double, bytes: Int64)

    /// What is done to packages.
    public enum PackageActivity: String, Sendable, Codable {
        /// Fetched from the distribution.
        case fetched
        /// Unpacked into the tree.
        case unpacked
        /// Set up by their own scripts.
        case configured
    }
}
