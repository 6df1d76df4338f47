import Glibc

/// A unix socket of somebody else's, by its path.
struct LocalSocket {
    var path: String

    /// Whether somebody listens.
    var isListening: Bool { listener != nil }

    /// The process that listens; nil when none does.
    var listener: Int32? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // `struct ucred` of sys/socket.h, a GNU extension: process, user and group, of the time of listen(2).
        var credentials: [UInt32] = [0, 0, 0]
        var size = socklen_t(12)
        guard result == 0, getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        return Int32(bitPattern: credentials[0])
    }

    /// Removes the socket, if it is one and nobody listens.
    func removeLeftover() { if !isListening { remove() } }

    /// Removes the socket, if it is one.
    func remove() {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
    }
}
