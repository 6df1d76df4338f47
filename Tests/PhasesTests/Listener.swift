import Foundation
import Glibc
import Synchronization

/// Listens on a port of the loopback interface, and may answer each connection with a text.
final class Listener: Sendable {
    let port: Int
    private let descriptor: Int32
    private let heard = Mutex("")

    init(answer: String? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let status = withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
            guard let start = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return -1 }
            return bind(descriptor, start, length) == 0 && listen(descriptor, 16) == 0 ? getsockname(descriptor, start, &length) : -1
        }
        guard status == 0 else { throw POSIXError(.EADDRINUSE) }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard let answer else { return }
        Thread.detachNewThread { [weak self] in
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                var buffer = [UInt8](repeating: 0, count: 4096)
                var request = ""
                // A shell sends its request line by line.
                while !request.hasSuffix("\r\n\r\n"), case let count = read(connection, &buffer, buffer.count), count > 0 {
                    request += String(decoding: buffer[..<count], as: UTF8.self)
                }
                self?.heard.withLock { $0 = request }
                _ = Array(answer.utf8).withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
                _ = close(connection)
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    /// The last request.
    var request: String { heard.withLock { $0 } }
}
