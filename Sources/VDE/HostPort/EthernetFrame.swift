public import LabEvents

/// A VLAN tag of an Ethernet frame (IEEE 802.1Q).
public struct VLANTag: Sendable, Hashable, Codable {
    /// The type of a customer tag, the only one that vde_switch knows.
    public static let customer: UInt16 = 0x8100
    /// The type of a service tag (802.1ad); vde_switch takes it for payload.
    public static let service: UInt16 = 0x88A8

    /// The VLAN's number, 0 to 4095; 0 is none, only a priority.
    public var identifier: Int
    /// The priority, 0 to 7.
    public var priority: Int
    /// Whether the frame may be dropped first.
    public var isDropEligible: Bool
    /// The tag's own type, ``customer`` or ``service``.
    public var ethertype: UInt16

    /// A tag from its parts.
    public init(_ identifier: Int, priority: Int = 0, isDropEligible: Bool = false, ethertype: UInt16 = VLANTag.customer) {
        (self.identifier, self.priority, self.isDropEligible, self.ethertype) = (identifier, priority, isDropEligible, ethertype)
    }

    /// The four bytes; what does not fit into a field is cut off.
    var bytes: [UInt8] {
        let control = UInt16(truncatingIfNeeded: (priority & 7) << 13 | (isDropEligible ? 1 : 0) << 12 | identifier & 0xFFF)
        return [UInt8(ethertype >> 8), UInt8(ethertype & 0xFF), UInt8(control >> 8), UInt8(control & 0xFF)]
    }
}

/// An Ethernet frame as it is on the wire, without its check sequence.
public struct EthernetFrame: Sendable, Hashable {
    /// The least bytes that a frame has; shorter ones are filled with zeros.
    public static let minimumSize = 60
    /// The most bytes that vde_switch 2.3.2 takes, tags included; it cuts off the rest silently.
    public static let maximumSize = 1518
    /// The receiver of what is meant for all.
    public static let broadcast = MACAddress(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])

    /// The receiver.
    public var destination: MACAddress
    /// The sender.
    public var source: MACAddress
    /// The VLAN tags, outermost first.
    public var tags: [VLANTag]
    /// The type of the payload, for example 0x0800 for IPv4.
    public var ethertype: UInt16
    /// What follows. A frame that was read has the filling of short ones too: nothing tells where it begins.
    public var payload: [UInt8]

    /// A frame from its parts.
    public init(
        destination: MACAddress = EthernetFrame.broadcast, source: MACAddress, tags: [VLANTag] = [], ethertype: UInt16, payload: [UInt8]
    ) {
        (self.destination, self.source, self.tags) = (destination, source, tags)
        (self.ethertype, self.payload) = (ethertype, payload)
    }

    /// Reads a frame.
    ///
    /// - Returns: nil for fewer than 14 bytes, or bytes that end inside a tag.
    public init?(bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count >= 14 else { return nil }
        let word = { (offset: Int) in UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1]) }
        var tags: [VLANTag] = []
        var offset = 12
        while [VLANTag.customer, VLANTag.service].contains(word(offset)) {
            guard bytes.count >= offset + 6 else { return nil }
            let control = word(offset + 2)
            tags.append(
                VLANTag(
                    Int(control & 0xFFF), priority: Int(control >> 13), isDropEligible: control & 0x1000 != 0, ethertype: word(offset)))
            offset += 4
        }
        self.init(
            destination: MACAddress(bytes: Array(bytes[0..<6])), source: MACAddress(bytes: Array(bytes[6..<12])), tags: tags,
            ethertype: word(offset), payload: Array(bytes[(offset + 2)...]))
    }

    /// The frame on the wire, at least ``minimumSize`` bytes.
    public var bytes: [UInt8] {
        var bytes = destination.bytes + source.bytes + tags.flatMap(\.bytes)
        bytes += [UInt8(ethertype >> 8), UInt8(ethertype & 0xFF)] + payload
        return bytes + [UInt8](repeating: 0, count: max(0, Self.minimumSize - bytes.count))
    }
}
