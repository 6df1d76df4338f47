internal import Crypto

/// An Ethernet hardware address.
public struct MACAddress: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The six bytes.
    public let bytes: [UInt8]

    /// An address from text such as `52:54:00:12:34:56`; nil when it is not six bytes in hexadecimal.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil }
        guard parts.count == 6, bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// An address from its bytes; must be six.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == 6, "a MAC address has six bytes")
        self.bytes = bytes
    }

    /// The address of one interface: 52:54:00 (the prefix that KVM guests use) and three bytes of SHA-256 over the names, so that every run
    /// has the same.
    ///
    /// Three bytes can collide; whoever plans a lab checks that its addresses differ.
    public init(lab: String, node: String, interface: String) {
        bytes = [0x52, 0x54, 0x00] + SHA256.hash(names: [lab, node, interface]).prefix(3)
    }

    /// Lower-case hexadecimal with colons.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }

    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = MACAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not a MAC address")
        }
        self = address
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
