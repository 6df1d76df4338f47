import LabEvents

/// The slow protocols (IEEE 802.3, annex 57A): frames between the two ends of one link, which no bridge forwards.
enum SlowProtocol {
    /// The group address that they are sent to; the second of those that bridges keep to themselves.
    static let address = MACAddress(bytes: [0x01, 0x80, 0xC2, 0x00, 0x00, 0x02])
    static let ethertype: UInt16 = 0x8809
    /// The subtype of LACP.
    static let lacp: UInt8 = 1
    /// The subtype of the Marker protocol.
    static let marker: UInt8 = 2

    /// Whether a frame is one: by its receiver or by its type, since neither may be forwarded.
    static func has(_ frame: UnsafeRawBufferPointer) -> Bool {
        guard frame.count >= 14 else { return false }
        if frame[12] == 0x88, frame[13] == 0x09 { return true }
        return frame[0] == 0x01 && frame[1] == 0x80 && frame[2] == 0xC2 && frame[3] == 0 && frame[4] == 0 && frame[5] == 0x02
    }

    /// A frame with a protocol data unit, subtype first.
    static func frame(from source: MACAddress, _ unit: [UInt8]) -> [UInt8] {
        EthernetFrame(destination: address, source: source, ethertype: ethertype, payload: unit).bytes
    }
}

/// Why a protocol data unit was not read.
enum SlowProtocolFault: Error, Equatable {
    /// It ends before its fixed part does.
    case tooShort(Int)
    /// It is of another protocol.
    case subtype(UInt8)
    /// It is of its protocol, and says nothing that is known there.
    case type(UInt8)
    /// A field of fixed length states another one, or one that leads out of the unit.
    case length(field: UInt8, UInt8)
}

extension [UInt8] {
    /// Adds a number, most significant byte first.
    mutating func append(word: UInt16) { self += [UInt8(word >> 8), UInt8(word & 0xFF)] }

    /// The number of two bytes at an offset.
    func word(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }
}
