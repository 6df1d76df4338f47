import Glibc

/// An IPv4 or IPv6 address with a prefix length (RFC 4632, RFC 4291): a network, or a host in it.
public struct IPPrefix: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The address, 4 or 16 bytes.
    public let bytes: [UInt8]
    /// The prefix length in bits.
    public let length: Int

    /// From bytes and a length; nil when they do not fit.
    public init?(bytes: [UInt8], length: Int) {
        guard bytes.count == 4 || bytes.count == 16, (0...bytes.count * 8).contains(length) else { return nil }
        (self.bytes, self.length) = (bytes, length)
    }

    /// From text such as `192.168.1.0/24` or `fd00::/64`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let length = Int(parts[1])
        else { return nil }
        let (family, count) = parts[0].contains(":") ? (AF_INET6, 16) : (AF_INET, 4)
        var bytes = [UInt8](repeating: 0, count: count)
        guard !parts[0].utf8.contains(0), inet_pton(family, String(parts[0]), &bytes) == 1 else { return nil }
        self.init(bytes: bytes, length: length)
    }

    /// Whether it is IPv6.
    public var isIPv6: Bool { bytes.count == 16 }

    /// The address alone.
    public var address: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Address and length.
    public var description: String { "\(address)/\(length)" }

    /// The prefix with all host bits 0.
    public var network: IPPrefix {
        let masked = bytes.enumerated().map { index, byte in byte & Self.mask(length - index * 8) }
        return IPPrefix(bytes: masked, length: length) ?? self
    }

    /// The bits of a byte that belong to the prefix, when so many are left of it.
    private static func mask(_ bits: Int) -> UInt8 { bits >= 8 ? 0xFF : bits <= 0 ? 0 : UInt8(truncatingIfNeeded: 0xFF00 >> bits) }

    /// Whether an address is in this network.
    public func contains(_ other: IPPrefix) -> Bool {
        bytes.count == other.bytes.count && IPPrefix(bytes: other.bytes, length: length)?.network.bytes == network.bytes
    }

    /// Whether two networks share an address.
    public func overlaps(_ other: IPPrefix) -> Bool { length <= other.length ? contains(other) : other.contains(self) }

    /// The host of a number in this network; nil when the network has no such host: number 0, one that needs more bits than there are, and in IPv4 the
    /// broadcast address.
    public func host(_ number: Int) -> IPPrefix? {
        let bits = bytes.count * 8 - length
        guard number > 0, bits >= 62 || number < 1 << bits, isIPv6 || bits >= 62 || number < (1 << bits) - 1 else { return nil }
        var host = network.bytes
        var left = number
        for index in host.indices.reversed() where left > 0 {
            host[index] |= UInt8(left & 0xFF)
            left >>= 8
        }
        return IPPrefix(bytes: host, length: length)
    }

    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let prefix = IPPrefix(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not an address with a prefix length")
        }
        self = prefix
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
