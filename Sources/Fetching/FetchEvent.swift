public import LabEvents

/// What happens while something is fetched.
public enum FetchEvent: Sendable, Equatable {
    /// The destination has the content already.
    case present(path: String)
    /// Another process is fetching to the same place.
    case waiting(path: String)
    /// A host is asked, with a login from this source.
    case asking(host: String, source: CredentialSource)
    /// So many bytes of an earlier try are kept.
    case resuming(bytes: Int64)
    /// Another host is asked, without credentials.
    case redirected(host: String)
    /// So much is there, in bytes; the total where it is known. At most a few times a second.
    case progress(bytes: Int64, total: Int64?)
    /// A try failed, and the next comes after the delay.
    case retrying(why: String, delay: Duration)
    /// Something worth knowing.
    case remark(String)
    /// All is there and has its checksum.
    case finished(path: String, bytes: Int64, seconds: Double)

    /// The event in one line.
    public var text: String {
        switch self {
        case .present(let path): "\(path) is there already"
        case .waiting(let path): "another process is fetching \(path); waiting"
        case .asking(let host, let source): "asking \(host) with \(source == .anonymous ? "no credentials" : "the login of \(source)")"
        case .resuming(let bytes): "going on after \(Self.size(bytes)) of an earlier try"
        case .redirected(let host): "redirected to \(host), which gets no credentials"
        case .progress(let bytes, let total):
            Self.size(bytes) + (total.map { $0 > 0 ? " of \(Self.size($0)) (\(bytes * 100 / $0) %)" : "" } ?? "")
        case .retrying(let why, let delay): "\(why); again in \(delay.inSeconds)"
        case .remark(let text): text
        case .finished(let path, let bytes, let seconds): "\(path): \(Self.size(bytes)) in \((seconds * 10).rounded() / 10) s"
        }
    }

    /// Whether the line only shows progress, and the next may take its place.
    public var isTransient: Bool { if case .progress = self { true } else { false } }

    /// The event as one of a run's, which an ``EventSink`` takes.
    ///
    /// - Parameter name: what is fetched.
    public func event(of name: String) -> LabEvent.Kind {
        .image(LabEvent.ImageProgress(image: name, text: text, isTransient: isTransient))
    }

    private static func size(_ bytes: Int64) -> String {
        if bytes < 10 << 10 { return "\(bytes) bytes" }
        return bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }
}
