import Foundation
import Glibc

/// A client of a switch's data socket, as libvdeplug is one: `struct request_v3` of datasock.c in vde-2, then one datagram a frame.
final class DataClient {
    struct Failure: Error {
        var call: String
        var error = String(cString: strerror(errno))
    }

    private let control: Int32
    private let data: Int32
    private let path: String
    private var hasLeft = false
    /// The port that the switch gave, from the name of its data socket (`FOLDER/NNN.FD`).
    let port: Int?

    /// Asks for a port; 0 for any.
    ///
    /// - Parameter limit: how long the switch may take to answer, in milliseconds; none of the tests that pass waits so long, but for those
    ///   in which it must not answer.
    init(folder: String, port: Int, path: String, description: String = "test client", limit: Int = 5000) throws {
        self.path = path
        data = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        control = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        for descriptor in [data, control] {
            var limit = timeval(tv_sec: limit / 1000, tv_usec: limit % 1000 * 1000)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        unlink(path)
        self.port = try Self.join(data, control, folder, port, path, description)
    }

    deinit { leave() }

    func leave() {
        guard !hasLeft else { return }
        hasLeft = true
        close(control)
        close(data)
        unlink(path)
    }

    private static func join(
        _ data: Int32, _ control: Int32, _ folder: String, _ port: Int, _ path: String, _ description: String
    ) throws -> Int? {
        var own = address(path)
        guard call(bind, data, &own) == 0 else { throw Failure(call: "bind") }
        var server = address(folder + "/ctl")
        guard call(connect, control, &server) == 0 else { throw Failure(call: "connect") }
        var request: [UInt8] = []
        for word in [0xfeed_face, 3, UInt32(port) << 8] as [UInt32] { withUnsafeBytes(of: word) { request += $0 } }
        withUnsafeBytes(of: own) { request += $0 }
        request += Array(description.utf8) + [0]
        guard write(control, request, request.count) == request.count else { throw Failure(call: "request") }
        var answer = sockaddr_un()
        let size = MemoryLayout<sockaddr_un>.size
        guard read(control, &answer, size) == size else { throw Failure(call: "answer") }
        guard call(connect, data, &answer) == 0 else { throw Failure(call: "connect data") }
        let name = withUnsafeBytes(of: answer.sun_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return (name.split(separator: "/").last?.prefix { $0 != "." }).flatMap { Int($0) }
    }

    private static func address(_ path: String) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix(107)) }
        return address
    }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ descriptor: Int32, _ address: inout sockaddr_un
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    func send(_ frame: Frame) throws {
        let bytes = frame.bytes
        guard Glibc.send(data, bytes, bytes.count, 0) == bytes.count else { throw Failure(call: "send") }
    }

    /// The next frame.
    func receive() throws -> Frame {
        var bytes = [UInt8](repeating: 0, count: 2048)
        let count = recv(data, &bytes, bytes.count, 0)
        guard count > 0 else { throw Failure(call: "receive") }
        return Frame(Array(bytes.prefix(count)))
    }
}

/// An Ethernet frame of 100 bytes of one value, with or without an 802.1Q tag.
struct Frame: Equatable, CustomStringConvertible {
    var destination: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    /// The last byte of the source address 02:00:00:00:00:XX.
    var source: UInt8
    var vlan: Int?
    var payload: UInt8

    init(from source: UInt8, vlan: Int? = nil, _ payload: UInt8) {
        (self.source, self.vlan, self.payload) = (source, vlan, payload)
    }

    init(_ bytes: [UInt8]) {
        destination = Array(bytes.prefix(6))
        source = bytes[11]
        vlan = bytes[12...13] == [0x81, 0] ? Int(bytes[14] & 0xf) << 8 | Int(bytes[15]) : nil
        payload = bytes[bytes.count - 1]
    }

    var bytes: [UInt8] {
        let tag: [UInt8] = vlan.map { [0x81, 0, UInt8($0 >> 8), UInt8($0 & 0xff)] } ?? []
        return destination + [2, 0, 0, 0, 0, source] + tag + [0x88, 0xb5] + [UInt8](repeating: payload, count: 100)
    }

    var description: String { "frame \(payload) from \(source), VLAN \(vlan.map { "\($0)" } ?? "none")" }
}
