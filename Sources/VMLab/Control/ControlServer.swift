import Glibc
import LabEvents
import NIOCore
import NIOPosix
import QEMU

/// The control socket of a run: accepts clients until its task is cancelled.
struct ControlServer: Sendable {
    /// The descriptor that listens; ours, so that it can be handed to the process that comes after an exec.
    let listener: Int32

    /// Listens on a path, in a folder that only its user may enter.
    static func listen(_ path: String) throws(Problem) -> ControlServer {
        try UnixSocketPath.check(path)
        let descriptor = socket(AF_UNIX, SocketKind.stream, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        unlink(path)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard descriptor >= 0, isBound, Glibc.listen(descriptor, 64) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Problem(.failure, "cannot listen on the control socket", location: path, why: reason)
        }
        return ControlServer(listener: descriptor)
    }

    /// Serves clients until cancelled.
    func serve(_ handler: @escaping @Sendable (LineChannel.Channel) async -> Void) async throws {
        // NIO owns what it is given, and the listener must survive it.
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(fcntl(listener, F_DUPFD_CLOEXEC, 0)) { LineChannel.wrap($0) }
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { clients in
                for try await client in clients { group.addTask { await handler(client) } }
            }
        }
    }
}
