import FoundationEssentials
public import LabEvents

/// Frames that a cable drops silently: the carrier stays.
public enum CableBlock: Sendable, Hashable, Codable {
    /// All of them.
    case all
    /// Those that come from these hardware addresses.
    case senders(Set<MACAddress>)
}

/// The blocks of one direction of a cable, by their keys.
struct CableBlocks: Sendable {
    private var blocks: [UUID: CableBlock] = [:]
    private var isDeaf = false
    private var senders: Set<UInt64> = []

    var isEmpty: Bool { blocks.isEmpty }

    mutating func set(_ key: UUID, _ block: CableBlock?) {
        blocks[key] = block
        isDeaf = blocks.values.contains(.all)
        senders = []
        for case .senders(let addresses) in blocks.values { senders.formUnion(addresses.map { Self.number($0.bytes) }) }
    }

    /// Whether a frame is dropped. Its sender's address are the bytes 6 to 11 (IEEE 802.3, 3.1.1).
    func drop(_ frame: UnsafeMutableRawBufferPointer) -> Bool {
        if isDeaf { return true }
        guard !senders.isEmpty, frame.count >= 12 else { return false }
        return senders.contains(Self.number(frame[6..<12]))
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
