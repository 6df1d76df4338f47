import LabEvents

/// What the Marker protocol says (IEEE 802.1AX-2014, 6.5.3): a far end that moves a flow to another link sends a marker after the flow's last
/// frame, and knows by the response that all before it were taken.
struct MarkerPDU: Sendable, Hashable {
    /// The bytes of a unit, subtype first.
    static let size = 110

    /// Whether it answers.
    var isResponse: Bool
    /// The port that asked.
    var port: UInt16
    /// The system that asked.
    var system: MACAddress
    /// The asker's number for it.
    var transaction: UInt32

    /// The answer: the same with another type (6.5.3.3). Nothing is held back here, so it may be given at once.
    var response: MarkerPDU {
        var response = self
        response.isResponse = true
        return response
    }

    init(isResponse: Bool = false, port: UInt16, system: MACAddress, transaction: UInt32) {
        (self.isResponse, self.port, self.system, self.transaction) = (isResponse, port, system, transaction)
    }

    /// Reads a unit, subtype first.
    ///
    /// The type tells a marker from a response, and nothing else tells what the unit is; version, pad and reserved bytes are not looked at
    /// (6.5.4.2).
    init(bytes: [UInt8]) throws(SlowProtocolFault) {
        guard let subtype = bytes.first else { throw .tooShort(0) }
        guard subtype == SlowProtocol.marker else { throw .subtype(subtype) }
        // As much as the fields take; what follows is reserved and may be cut off.
        guard bytes.count >= 18 else { throw .tooShort(bytes.count) }
        guard [1, 2].contains(bytes[2]) else { throw .type(bytes[2]) }
        guard bytes[3] == 16 else { throw .length(field: bytes[2], bytes[3]) }
        self.init(
            isResponse: bytes[2] == 2, port: bytes.word(at: 4), system: MACAddress(bytes: Array(bytes[6..<12])),
            transaction: UInt32(bytes.word(at: 12)) << 16 | UInt32(bytes.word(at: 14)))
    }

    /// The unit as it is sent, subtype first.
    var bytes: [UInt8] {
        var bytes: [UInt8] = [SlowProtocol.marker, 1, isResponse ? 2 : 1, 16]
        bytes.append(word: port)
        bytes += system.bytes
        bytes.append(word: UInt16(transaction >> 16))
        bytes.append(word: UInt16(transaction & 0xFFFF))
        return bytes + [UInt8](repeating: 0, count: Self.size - bytes.count)
    }
}
