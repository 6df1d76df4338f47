import Glibc
import LabEvents

@testable import VDE

/// A guest's side of `-netdev dgram`: a bound socket, from which frames go to the host's.
final class FakeGuest: Sendable {
    private let descriptor: Int32
    private let host: String

    init(path: String, host: String) throws(Problem) {
        self.host = host
        LocalSocket(path: path).remove()
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let code = Self.withAddress(path) { bind(descriptor, $0, $1) }
        guard code == 0 else { throw Problem(.failure, "cannot bind", location: path, why: String(cString: strerror(errno))) }
    }

    deinit { Glibc.close(descriptor) }

    /// Ends the socket; its file stays, as after a killed process.
    func close() {
        // The descriptor's number stays taken until the end, so that closing twice closes nothing else.
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        dup2(null, descriptor)
        Glibc.close(null)
    }

    func send(_ frame: EthernetFrame) { send(bytes: frame.bytes) }

    func send(bytes: [UInt8]) { _ = Self.withAddress(host) { Int32(sendto(descriptor, bytes, bytes.count, 0, $0, $1)) } }

    /// The next frame; nil when none comes within 10 s.
    func receive() -> EthernetFrame? {
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? EthernetFrame(bytes: buffer[..<count]) : nil
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8) + [0]) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}
