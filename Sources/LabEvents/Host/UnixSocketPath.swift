/// The rule for the path of a unix socket.
public enum UnixSocketPath {
    /// The most bytes a path may have: `sun_path` has 108, one of them the final NUL (unix(7)).
    public static let limit = 107

    /// Checks a path before a socket is bound to it.
    ///
    /// - Throws: a problem of kind `invalidInput` when the path is longer than ``limit`` bytes; without the check the name would be refused
    ///   with a message that names no path.
    public static func check(_ path: String) throws(Problem) {
        let length = path.utf8.count
        guard length > limit else { return }
        throw Problem(
            .invalidInput, "socket path is too long", location: path,
            why: "it has \(length) bytes; a unix socket's path has at most \(limit)",
            remedy: "use a shorter folder for sockets, for example under /run or /tmp")
    }
}
