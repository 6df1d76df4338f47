import Foundation
import Glibc
import Synchronization

/// A small HTTP server on a port of its own of the loopback, one thread for each connection, that does what a test tells it: also what no server should.
final class Server: Sendable {
    /// What was asked.
    struct Request: Sendable {
        var method = ""
        var path = ""
        var fields: [String: String] = [:]
        /// The number of the request at this server, from 0.
        var number = 0

        /// Where a range begins; 0 without one.
        var offset: Int { fields["range"].flatMap { Int($0.dropFirst("bytes=".count).prefix { $0 != "-" }) } ?? 0 }
    }

    /// How an answer ends.
    enum Ending: Sendable {
        /// As it should.
        case whole
        /// The connection is closed after so many bytes of the body.
        case closed(after: Int)
        /// It is reset after so many bytes of the body.
        case reset(after: Int)
        /// After so many bytes of the body nothing comes any more, until the other side closes.
        case stalled(after: Int)
    }

    /// What is answered.
    struct Reply: Sendable {
        var status = 200
        var fields: [(String, String)] = []
        var body: [UInt8] = []
        /// The length that the head says; the body's by default.
        var length: Int?
        var ending = Ending.whole

        static func text(_ status: Int, _ text: String = "", _ fields: [(String, String)] = []) -> Reply {
            Reply(status: status, fields: fields, body: Array(text.utf8))
        }
    }

    private struct State {
        var requests: [Request] = []
        var sent = 0
        var connections: Set<Int32> = []
        var isClosed = false
    }

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameter answer: what is answered; nil closes the connection without a word.
    init(_ answer: @escaping @Sendable (Request) -> Reply?) throws {
        listener = try Loopback.listen()
        port = Loopback.port(listener)
        Loopback.accept(listener) { [self] connection in
            let isClosed = state.withLock { state in
                state.connections.insert(connection)
                return state.isClosed
            }
            if isClosed { end(connection) } else { serve(connection, answer) }
        }
    }

    /// What was asked so far.
    var requests: [Request] { state.withLock { $0.requests } }
    /// The bytes of bodies that were handed to the kernel.
    var sent: Int { state.withLock { $0.sent } }

    func url(_ path: String = "/file") -> String { "http://127.0.0.1:\(port)\(path)" }

    /// Ends it, and with it all connections.
    func close() {
        let connections = state.withLock { state in
            state.isClosed = true
            return state.connections
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    private func end(_ connection: Int32) {
        // Under the lock, so that close() does not touch another's descriptor.
        state.withLock { state in
            state.connections.remove(connection)
            Glibc.close(connection)
        }
    }

    private func serve(_ connection: Int32, _ answer: (Request) -> Reply?) {
        defer { end(connection) }
        // What is under way when a connection is reset is lost, and is to be little.
        var size: Int32 = 32 << 10
        setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        guard var request = Loopback.request(connection) else { return }
        request = state.withLock { state in
            request.number = state.requests.count
            state.requests.append(request)
            return request
        }
        guard let reply = answer(request) else { return }
        var head = "HTTP/1.1 \(reply.status) Whatever\r\nConnection: close\r\nContent-Length: \(reply.length ?? reply.body.count)\r\n"
        for (name, value) in reply.fields { head += "\(name): \(value)\r\n" }
        guard Loopback.write(connection, Array((head + "\r\n").utf8)[...]) else { return }
        let count: Int
        switch reply.ending {
        case .whole: count = reply.body.count
        case .closed(let after), .reset(let after), .stalled(let after): count = min(after, reply.body.count)
        }
        var rest = reply.body[..<count]
        while !rest.isEmpty {
            let piece = rest.prefix(64 << 10)
            guard Loopback.write(connection, piece) else { return }
            state.withLock { $0.sent += piece.count }
            rest = rest.dropFirst(piece.count)
        }
        switch reply.ending {
        case .whole, .closed: shutdown(connection, Int32(SHUT_WR))
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
            return
        case .stalled: break
        }
        // Until the other side has gone: to close with something unread would be a reset.
        var byte: UInt8 = 0
        while read(connection, &byte, 1) > 0 {}
    }
}

/// Sockets of the loopback.
enum Loopback {
    struct Failure: Error { var code: Int32 }

    static func listen() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = address(0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) } }
        guard code == 0, Glibc.listen(descriptor, 64) == 0 else { throw Failure(code: errno) }
        return descriptor
    }

    /// Gives each connection to a thread of its own, until the listener is shut down, which it closes then.
    static func accept(_ listener: Int32, _ serve: @escaping @Sendable (Int32) -> Void) {
        Thread.detachNewThread {
            defer { close(listener) }
            while true {
                let connection = Glibc.accept(listener, nil, nil)
                if connection >= 0 {
                    Thread.detachNewThread { serve(connection) }
                } else if errno != EINTR, errno != ECONNABORTED {
                    return
                }
            }
        }
    }

    static func port(_ descriptor: Int32) -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    static func connect(_ port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = address(port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, size) }
        }
        if code == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }

    static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// The bytes of a head, with its empty line.
    static func head(_ descriptor: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            // TLS, which is tried before plain HTTP: an answer at once, where silence would be waited for.
            if bytes.isEmpty, byte == 0x16 { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    static func request(_ descriptor: Int32) -> Server.Request? { head(descriptor).map(request) }

    static func request(_ head: [UInt8]) -> Server.Request {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        var request = Server.Request()
        if words.count > 1 { (request.method, request.path) = (String(words[0]), String(words[1])) }
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            request.fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return request
    }
}
