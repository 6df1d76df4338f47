import LabEvents
import VDE

/// A DHCP message of IPv4 with what a server and a client of one exchange need (RFC 2131, RFC 2132).
struct DHCPMessage: Equatable, Sendable {
    /// Option 53.
    enum Kind: UInt8, Sendable {
        case discover = 1
        case offer = 2
        case request = 3
        case acknowledge = 5
    }

    var kind: Kind
    /// Chosen by the client.
    var transaction: UInt32
    /// The client's hardware address.
    var client: MACAddress
    /// The address that is offered or given; zeros in what clients send.
    var address: [UInt8] = [0, 0, 0, 0]
    /// Option 54: the server that is meant, or that answers.
    var server: [UInt8]?
    /// Option 51, in seconds.
    var leaseSeconds: UInt32?
    /// Option 1.
    var mask: [UInt8]?

    private static let headerSize = 236
    private static let magic: [UInt8] = [99, 130, 83, 99]

    private var isReply: Bool { kind == .offer || kind == .acknowledge }

    /// The message in a UDP datagram in an Ethernet frame to everybody.
    ///
    /// - Parameter source: the sender's hardware address.
    func frame(from source: MACAddress) -> EthernetFrame {
        var body: [UInt8] = [isReply ? 2 : 1, 1, 6, 0] + transaction.bytes
        // Seconds none, the broadcast flag, no address of the client's.
        body += [0, 0, 0x80, 0] + [0, 0, 0, 0] + address + (isReply ? server ?? [0, 0, 0, 0] : [0, 0, 0, 0]) + [0, 0, 0, 0]
        body += client.bytes
        body += [UInt8](repeating: 0, count: Self.headerSize - body.count) + Self.magic + [53, 1, kind.rawValue]
        if let server { body += [54, 4] + server }
        if let leaseSeconds { body += [51, 4] + leaseSeconds.bytes }
        if let mask { body += [1, 4] + mask }
        body += [255]
        let ports: [UInt16] = isReply ? [67, 68] : [68, 67]
        // A checksum of 0 is none (RFC 768).
        let datagram = ports.flatMap(\.bytes) + UInt16(body.count + 8).bytes + [0, 0] + body
        var header: [UInt8] = [0x45, 0] + UInt16(datagram.count + 20).bytes + [0, 0, 0, 0, 64, 17, 0, 0]
        header += (isReply ? server ?? [0, 0, 0, 0] : [0, 0, 0, 0]) + [255, 255, 255, 255]
        header.replaceSubrange(10..<12, with: Self.checksum(header).bytes)
        return EthernetFrame(source: source, ethertype: 0x0800, payload: header + datagram)
    }

    /// Reads a message; nil for any other frame, and for one that is cut short.
    init?(_ frame: EthernetFrame) {
        let packet = frame.payload
        guard frame.tags.isEmpty, frame.ethertype == 0x0800, packet.count >= 20, packet[0] >> 4 == 4, packet[9] == 17 else { return nil }
        let start = Int(packet[0] & 15) * 4
        guard start >= 20, packet.count >= start + 8 else { return nil }
        let port = UInt16(packet[start + 2]) << 8 | UInt16(packet[start + 3])
        let body = Array(packet[(start + 8)...])
        guard port == 67 || port == 68, body.count > Self.headerSize + 4, body[1] == 1, body[2] == 6 else { return nil }
        guard Array(body[Self.headerSize..<Self.headerSize + 4]) == Self.magic else { return nil }
        let options = Self.options(body[(Self.headerSize + 4)...])
        guard let kind = options[53]?.first.flatMap(Kind.init) else { return nil }
        self.init(
            kind: kind, transaction: body[4..<8].reduce(0) { $0 << 8 | UInt32($1) }, client: MACAddress(bytes: Array(body[28..<34])),
            address: Array(body[16..<20]), server: options[54], leaseSeconds: options[51].map { $0.reduce(0) { $0 << 8 | UInt32($1) } },
            mask: options[1])
    }

    init(
        kind: Kind, transaction: UInt32, client: MACAddress, address: [UInt8] = [0, 0, 0, 0], server: [UInt8]? = nil,
        leaseSeconds: UInt32? = nil, mask: [UInt8]? = nil
    ) {
        (self.kind, self.transaction, self.client, self.address) = (kind, transaction, client, address)
        (self.server, self.leaseSeconds, self.mask) = (server, leaseSeconds, mask)
    }

    private static func options(_ bytes: ArraySlice<UInt8>) -> [UInt8: [UInt8]] {
        var options: [UInt8: [UInt8]] = [:]
        var rest = bytes
        while let code = rest.popFirst(), code != 255 {
            if code == 0 { continue }
            guard let length = rest.popFirst(), rest.count >= Int(length) else { break }
            options[code] = Array(rest.prefix(Int(length)))
            rest = rest.dropFirst(Int(length))
        }
        return options
    }

    /// The Internet checksum (RFC 1071).
    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum = stride(from: 0, to: bytes.count - 1, by: 2).reduce(UInt32(0)) { $0 + UInt32(bytes[$1]) << 8 + UInt32(bytes[$1 + 1]) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}

extension FixedWidthInteger {
    /// In network order.
    fileprivate var bytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
