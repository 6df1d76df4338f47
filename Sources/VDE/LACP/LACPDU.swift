import LabEvents

/// What LACP says to the far end of a link (IEEE 802.1AX-2014, 6.4.2).
struct LACPDU: Sendable, Hashable {
    /// The bytes of a unit, subtype first: what follows the Ethernet header.
    static let size = 110
    /// The version that is written.
    static let version: UInt8 = 1

    /// The version of the sender.
    var version: UInt8 = LACPDU.version
    /// The sender.
    var actor: LACPParticipant
    /// What the sender knows of the receiver.
    var partner: LACPParticipant
    /// The longest that a frame waits at the sender between arrival and delivery, in tens of microseconds.
    var collectorMaxDelay: UInt16 = 0
    /// The types of what a later version added after the fixed fields, in their order; it is skipped.
    var unknownTypes: [UInt8] = []

    init(actor: LACPParticipant, partner: LACPParticipant, collectorMaxDelay: UInt16 = 0) {
        (self.actor, self.partner, self.collectorMaxDelay) = (actor, partner, collectorMaxDelay)
    }

    /// Reads a unit, subtype first.
    ///
    /// The fields of version 1 are at fixed places, in every version to come as well. The receive machine may check the lengths that they
    /// state, and that of version 1's terminator, which is done; it shall not check version, types and reserved bytes (6.4.12), so that later
    /// versions can be heard. From version 2 on other fields may follow the fixed ones (6.4.2.4); they must add up to the end or to a
    /// terminator, and are skipped. What is beyond the unit's size is padding.
    init(bytes: [UInt8]) throws(SlowProtocolFault) {
        guard let subtype = bytes.first else { throw .tooShort(0) }
        guard subtype == SlowProtocol.lacp else { throw .subtype(subtype) }
        guard bytes.count >= Self.size else { throw .tooShort(bytes.count) }
        for (field, offset, length) in [(1, 2, 20), (2, 22, 20), (3, 42, 16)] as [(UInt8, Int, UInt8)] where bytes[offset + 1] != length {
            throw .length(field: field, bytes[offset + 1])
        }
        self.init(actor: Self.participant(bytes, 4), partner: Self.participant(bytes, 24), collectorMaxDelay: bytes.word(at: 44))
        version = bytes[1]
        if version == 1 {
            guard bytes[59] == 0 else { throw .length(field: 0, bytes[59]) }
        } else if version > 1 {
            unknownTypes = try Self.types(bytes, from: 58)
        }
    }

    /// The unit as it is sent, subtype first.
    var bytes: [UInt8] {
        var bytes = [SlowProtocol.lacp, version]
        for (field, end) in [(1, actor), (2, partner)] as [(UInt8, LACPParticipant)] {
            bytes += [field, 20]
            bytes.append(word: end.system.priority)
            bytes += end.system.address.bytes
            for word in [end.key, end.portPriority, end.port] { bytes.append(word: word) }
            bytes += [end.state.rawValue, 0, 0, 0]
        }
        bytes += [3, 16]
        bytes.append(word: collectorMaxDelay)
        return bytes + [UInt8](repeating: 0, count: Self.size - bytes.count)
    }

    private static func participant(_ bytes: [UInt8], _ offset: Int) -> LACPParticipant {
        LACPParticipant(
            system: LACPSystem(
                priority: bytes.word(at: offset), address: MACAddress(bytes: Array(bytes[(offset + 2)..<(offset + 8)]))),
            key: bytes.word(at: offset + 8), portPriority: bytes.word(at: offset + 10), port: bytes.word(at: offset + 12),
            state: LACPState(rawValue: bytes[offset + 14]))
    }

    /// The types from an offset to the terminator or the end. A length counts type and length, too.
    private static func types(_ bytes: [UInt8], from start: Int) throws(SlowProtocolFault) -> [UInt8] {
        var types: [UInt8] = []
        var offset = start
        while offset < bytes.count, bytes[offset] != 0 {
            guard offset + 1 < bytes.count, bytes[offset + 1] >= 2, offset + Int(bytes[offset + 1]) <= bytes.count else {
                throw .length(field: bytes[offset], offset + 1 < bytes.count ? bytes[offset + 1] : 0)
            }
            types.append(bytes[offset])
            offset += Int(bytes[offset + 1])
        }
        return types
    }
}
