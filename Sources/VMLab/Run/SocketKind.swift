import Glibc

/// Kinds of sockets for socket(2).
enum SocketKind {
    /// A byte stream that no child inherits.
    static let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
}
