import Foundation
import Glibc
import Synchronization

/// Stands before a registry, at a port of its own, and does to its answers what a network may do.
final class Forwarder: Sendable {
    /// What happens to one answer.
    enum Deed: Sendable {
        case forward
        /// This is answered instead, with no body, and the registry is not asked.
        case answer(Int, [(String, String)] = [], body: String = "")
        /// The connection is reset after so many bytes of the registry's answer.
        case reset(after: Int)
        /// Nothing comes after so many bytes.
        case stall(after: Int)
    }

    let port: Int
    private let listener: Int32
    private let seen = Mutex<[Server.Request]>([])

    /// - Parameters:
    ///   - target: the registry's port.
    ///   - decide: told each request, whose number counts those before with the same path.
    init(to target: Int, _ decide: @escaping @Sendable (Server.Request) -> Deed) throws {
        listener = try Loopback.listen()
        port = Loopback.port(listener)
        Loopback.accept(listener) { [self] connection in
            serve(connection, target, decide)
            Glibc.close(connection)
        }
    }

    var requests: [Server.Request] { seen.withLock { $0 } }

    func close() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32, _ target: Int, _ decide: (Server.Request) -> Deed) {
        guard let head = Loopback.head(connection) else { return }
        var request = Loopback.request(head)
        request = seen.withLock { seen in
            request.number = seen.count { $0.path == request.path }
            seen.append(request)
            return request
        }
        let deed = decide(request)
        var limit = Int.max
        switch deed {
        case .forward: break
        case .reset(let after), .stall(let after): limit = after
        case .answer(let status, let fields, let body):
            var text = "HTTP/1.1 \(status) Whatever\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n"
            for (name, value) in fields { text += "\(name): \(value)\r\n" }
            _ = Loopback.write(connection, Array((text + "\r\n" + body).utf8)[...])
            shutdown(connection, Int32(SHUT_WR))
            var byte: UInt8 = 0
            while read(connection, &byte, 1) > 0 {}
            return
        }
        guard let upstream = Loopback.connect(target) else { return }
        defer { Glibc.close(upstream) }
        // One request a connection: only those without a body come here.
        let text = String(decoding: head, as: UTF8.self).replacingOccurrences(of: "\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")
        guard Loopback.write(upstream, Array(text.utf8)[...]) else { return }
        var piece = [UInt8](repeating: 0, count: 32 << 10)
        while limit > 0 {
            let count = read(upstream, &piece, min(piece.count, limit))
            guard count > 0, Loopback.write(connection, piece[..<count]) else { break }
            limit -= count
        }
        switch deed {
        case .reset where limit == 0:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        case .stall where limit == 0:
            var byte: UInt8 = 0
            while read(connection, &byte, 1) > 0 {}
        default:
            shutdown(connection, Int32(SHUT_WR))
            var byte: UInt8 = 0
            while read(connection, &byte, 1) > 0 {}
        }
    }
}
