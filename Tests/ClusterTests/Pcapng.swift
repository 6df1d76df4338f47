import Foundation
import Testing

/// A pcapng file as a reader of the specification sees it: little endian, nanoseconds.
struct Pcapng {
    /// A frame.
    struct Frame {
        var interface: String
        /// Nanoseconds since 1970.
        var time: UInt64
        var bytes: [UInt8]

        func word(_ offset: Int) -> Int { offset + 1 < bytes.count ? Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) : 0 }
        var ethertype: Int { word(12) }
        /// `who-has` or `is-at`.
        var arp: String? { ethertype == 0x0806 ? [1: "who-has", 2: "is-at"][word(20)] : nil }
        private var ip: Int? { ethertype == 0x0800 ? 14 : nil }
        private var transport: Int? { ip.map { $0 + Int(bytes[$0] & 0xF) * 4 } }
        /// `request` or `reply`.
        var echo: String? {
            guard let ip, let transport, bytes[ip + 9] == 1, transport < bytes.count else { return nil }
            return [8: "request", 0: "reply"][Int(bytes[transport])]
        }
        /// The ports and the flags of a TCP segment.
        var tcp: (from: Int, to: Int, flags: UInt8)? {
            guard let ip, let transport, bytes[ip + 9] == 6, transport + 13 < bytes.count else { return nil }
            return (word(transport), word(transport + 2), bytes[transport + 13])
        }
        /// Addresses of an IP packet.
        var source: [UInt8]? { ip.map { Array(bytes[($0 + 12)..<($0 + 16)]) } }
    }

    var interfaces: [String] = []
    var frames: [Frame] = []

    init(_ path: String) throws {
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        func word(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
        var place = 0
        while place < bytes.count {
            let (type, length) = (word(place), word(place + 4))
            try #require(length >= 12 && length % 4 == 0 && place + length <= bytes.count, "block at \(place)")
            try #require(word(place + length - 4) == length, "block at \(place)")
            switch type {
            case 0x0A0D_0D0A: #expect(place == 0 && word(8) == 0x1A2B_3C4D)
            case 1:
                try #require(word(place + 8) & 0xFFFF == 1, "the link type is Ethernet")
                // The first option is the name; the second says nanoseconds.
                let size = word(place + 16) >> 16
                #expect(word(place + 16) & 0xFFFF == 2)
                interfaces.append(String(decoding: bytes[(place + 20)..<(place + 20 + size)], as: UTF8.self))
                #expect(word(place + 20 + (size + 3) / 4 * 4) == 1 << 16 | 9)
                #expect(word(place + 24 + (size + 3) / 4 * 4) == 9)
            case 6:
                let size = word(place + 20)
                frames.append(
                    Frame(
                        interface: interfaces[word(place + 8)], time: UInt64(word(place + 12)) << 32 | UInt64(word(place + 16)),
                        bytes: Array(bytes[(place + 28)..<(place + 28 + size)])))
            default: Issue.record("block of type \(type)")
            }
            place += length
        }
    }

    /// The frames of an interface that are something.
    func on(_ interface: String, _ isMeant: (Frame) -> Bool) -> [Frame] { frames.filter { $0.interface == interface && isMeant($0) } }
}
