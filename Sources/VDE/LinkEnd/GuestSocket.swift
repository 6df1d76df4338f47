import Glibc
import LabEvents

/// The two sockets of a guest's end: one that is bound, which the guest sends to, and one that is connected to the guest's. A socket that is
/// not connected could not be polled for room at the other side.
final class GuestSocket {
    let receiver: Int32
    let sender: Int32
    private let local: String
    private let remote: String
    /// What was bound, so that a successor's socket is not removed.
    private let inode: UInt
    private var isConnected = false
    private var isGone = false

    init(local: String, remote: String) throws(Problem) {
        (self.local, self.remote) = (local, remote)
        receiver = Self.make()
        sender = Self.make()
        guard receiver >= 0, sender >= 0 else { throw Self.problem(local, errno) }
        var code = Self.bind(receiver, local)
        // What a process left that was killed refuses everyone; another's socket does not.
        if code == EADDRINUSE {
            let answer = Self.connect(sender, local)
            if answer == 0 || answer == EAGAIN || answer == EPERM {
                Glibc.close(receiver)
                Glibc.close(sender)
                throw Problem(
                    .busy, "another process has the socket of a guest's link", location: local,
                    remedy: "end the other one, or use another path")
            }
            LocalSocket(path: local).remove()
            code = Self.bind(receiver, local)
        }
        var status = stat()
        guard code == 0, lstat(local, &status) == 0 else {
            Glibc.close(receiver)
            Glibc.close(sender)
            throw Self.problem(local, code)
        }
        inode = status.st_ino
        chmod(local, 0o600)
    }

    /// Sends frames, and finds a guest that came after the last ones.
    func send(_ batch: FrameBatch, from place: Int) -> Result<Int, SocketError> {
        if isConnected {
            let result = batch.send(to: sender, from: place)
            guard case .failure(let error) = result, [ECONNREFUSED, ENOTCONN, EDESTADDRREQ, ECONNRESET].contains(error.code) else {
                return result
            }
            isConnected = false
        }
        let code = Self.connect(sender, remote)
        guard code == 0 else { return .failure(SocketError(code: code)) }
        isConnected = true
        return batch.send(to: sender, from: place)
    }

    /// Whether the guest is there, as far as is known.
    var isSettled: Bool { isConnected && !isGone }

    /// Looks for a guest that had been gone and has sent something.
    ///
    /// That it sends does not show that it can be reached: its change is told when it can, so that the two do not take turns.
    func look() -> LinkEndChange? {
        guard isGone, Self.connect(sender, remote) == 0 else { return nil }
        isConnected = true
        return hasReached()
    }

    /// - Returns: the change, when the guest had been gone.
    func hasReached() -> LinkEndChange? {
        defer { isGone = false }
        return isGone ? .guestBack : nil
    }

    /// - Returns: the change, when the guest had been there.
    func hasMissed() -> LinkEndChange? {
        defer { isGone = true }
        return isGone ? nil : .guestGone
    }

    func close() {
        var status = stat()
        if lstat(local, &status) == 0, status.st_ino == inode { unlink(local) }
        Glibc.close(receiver)
        Glibc.close(sender)
    }

    private static func make() -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        // Room for bursts towards a guest; the kernel's limit for datagrams that wait is another, net.unix.max_dgram_qlen.
        var size: Int32 = 1 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4)
        return descriptor
    }

    private static func bind(_ descriptor: Int32, _ path: String) -> Int32 {
        withAddress(path) { Glibc.bind(descriptor, $0, $1) == 0 ? 0 : errno }
    }

    private static func connect(_ descriptor: Int32, _ path: String) -> Int32 {
        withAddress(path) { Glibc.connect(descriptor, $0, $1) == 0 ? 0 : errno }
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { return ENAMETOOLONG }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }

    private static func problem(_ path: String, _ code: Int32) -> Problem {
        Problem(
            .failure, "cannot make the socket of a guest's link", location: path, why: String(cString: strerror(code)),
            remedy: "see that the folder exists and may be written to")
    }
}
