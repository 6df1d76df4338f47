import LabEvents
import Testing

@testable import VDE

@Suite("LACPDUs and markers", .tier(.unit)) struct LACPDUTests {
    private var unit: LACPDU {
        LACPDU(
            actor: LACPParticipant(
                system: LACPSystem(priority: 0x0102, address: .numbered(0x11)), key: 0x0304, portPriority: 0x0506, port: 0x0708,
                state: [.activity, .aggregation, .synchronization]),
            partner: LACPParticipant(
                system: LACPSystem(priority: 0xF1F2, address: .numbered(0x22)), key: 0xF3F4, portPriority: 0xF5F6, port: 0xF7F8,
                state: [.shortTimeout, .expired]), collectorMaxDelay: 0xABCD)
    }

    private let golden: [UInt8] =
        [1, 1, 1, 20, 1, 2, 2, 0, 0, 0, 0, 0x11, 3, 4, 5, 6, 7, 8, 0x0D, 0, 0, 0]
        + [2, 20, 0xF1, 0xF2, 2, 0, 0, 0, 0, 0x22, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0x82, 0, 0, 0]
        + [3, 16, 0xAB, 0xCD] + [UInt8](repeating: 0, count: 12) + [0, 0] + [UInt8](repeating: 0, count: 50)

    @Test func `a unit has the standard's layout`() throws {
        #expect(unit.bytes == golden)
        #expect(try LACPDU(bytes: golden) == unit)
        let frame = SlowProtocol.frame(from: .numbered(9), unit.bytes)
        #expect(frame.prefix(14) == [0x01, 0x80, 0xC2, 0, 0, 2, 2, 0, 0, 0, 0, 9, 0x88, 0x09] && frame.count == 124)
        #expect(frame.withUnsafeBytes { SlowProtocol.has($0) })
    }

    struct Fault: Sendable {
        var offset: Int
        var value: UInt8
        var fault: SlowProtocolFault?
    }

    @Test(arguments: [
        Fault(offset: 0, value: 3, fault: .subtype(3)), Fault(offset: 3, value: 19, fault: .length(field: 1, 19)),
        Fault(offset: 23, value: 0, fault: .length(field: 2, 0)), Fault(offset: 43, value: 255, fault: .length(field: 3, 255)),
        Fault(offset: 59, value: 4, fault: .length(field: 0, 4)),
        Fault(offset: 3, value: 21, fault: .length(field: 1, 21)), Fault(offset: 0, value: 2, fault: .subtype(2)),
        // What 6.4.12 forbids to look at: the types of all four fields, reserved bytes.
        Fault(offset: 2, value: 9, fault: nil), Fault(offset: 22, value: 0, fault: nil), Fault(offset: 42, value: 255, fault: nil),
        Fault(offset: 58, value: 1, fault: nil), Fault(offset: 21, value: 9, fault: nil), Fault(offset: 41, value: 9, fault: nil),
        Fault(offset: 57, value: 9, fault: nil), Fault(offset: 60, value: 9, fault: nil), Fault(offset: 109, value: 9, fault: nil),
    ]) func `what is wrong is named, what may be otherwise is not looked at`(_ fault: Fault) {
        var bytes = golden
        bytes[fault.offset] = fault.value
        if let expected = fault.fault {
            #expect(throws: expected) { try LACPDU(bytes: bytes) }
        } else {
            #expect((try? LACPDU(bytes: bytes)) == unit)
        }
    }

    @Test func `a unit that is cut off is none`() {
        for count in 0..<LACPDU.size { #expect(throws: SlowProtocolFault.tooShort(count)) { try LACPDU(bytes: Array(golden[..<count])) } }
    }

    @Test(arguments: [0, 2, 3, 255] as [UInt8]) func `every version is read by the fields of the first, and their lengths are checked`(
        _ version: UInt8
    ) throws {
        var bytes = golden
        bytes[1] = version
        var expected = unit
        expected.version = version
        #expect(try LACPDU(bytes: bytes) == expected)
        // What is beyond the unit is padding, or what a later version added.
        #expect(try LACPDU(bytes: bytes + [0, 0, 0, 0]) == expected)
        for (field, offset) in [(1, 3), (2, 23), (3, 43)] as [(UInt8, Int)] {
            var wrong = bytes
            wrong[offset] += 1
            #expect(throws: SlowProtocolFault.length(field: field, bytes[offset] + 1)) { try LACPDU(bytes: wrong) }
        }
    }

    @Test func `a field of a later version may lead beyond the unit of the first, and not beyond the frame`() throws {
        var bytes = golden + [UInt8](repeating: 0, count: 300)
        bytes[1] = 2
        // The port conversation masks of version 2 take 131 and 130 bytes.
        (bytes[58], bytes[59], bytes[58 + 131], bytes[58 + 132]) = (6, 131, 7, 130)
        #expect(try LACPDU(bytes: bytes).unknownTypes == [6, 7])
        #expect(throws: SlowProtocolFault.length(field: 7, 130)) { try LACPDU(bytes: Array(bytes[..<318])) }
        #expect(throws: SlowProtocolFault.length(field: 7, 0)) { try LACPDU(bytes: Array(bytes[..<190])) }
    }

    @Test func `fields of a later version are skipped, and those that lead out of the unit are refused`() throws {
        var bytes = golden
        bytes[1] = 2
        bytes.replaceSubrange(58..<64, with: [4, 6, 1, 2, 3, 4])
        bytes.replaceSubrange(64..<68, with: [9, 4, 0, 0])
        let read = try LACPDU(bytes: bytes)
        #expect(read.version == 2 && read.actor == unit.actor && read.unknownTypes == [4, 9])
        for length in [0, 1, 47, 255] as [UInt8] {
            bytes[65] = length
            #expect(throws: SlowProtocolFault.length(field: 9, length)) { try LACPDU(bytes: bytes) }
        }
        bytes[65] = 46
        #expect(try LACPDU(bytes: bytes).unknownTypes == [4, 9])
    }

    @Test func `a marker is read, and answered with the asker's own numbers`() throws {
        let marker = MarkerPDU(port: 0x0102, system: .numbered(5), transaction: 0x0304_0506)
        let bytes: [UInt8] = [2, 1, 1, 16, 1, 2, 2, 0, 0, 0, 0, 5, 3, 4, 5, 6, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 90)
        #expect(marker.bytes == bytes)
        #expect(try MarkerPDU(bytes: bytes) == marker)
        #expect(marker.response.bytes == bytes[..<2] + [2] + bytes[3...])
        #expect(throws: SlowProtocolFault.tooShort(17)) { try MarkerPDU(bytes: Array(bytes[..<17])) }
        #expect(throws: SlowProtocolFault.length(field: 1, 15)) { try MarkerPDU(bytes: bytes[..<3] + [15] + bytes[4...]) }
        for type in [0, 3, 255] as [UInt8] {
            #expect(throws: SlowProtocolFault.type(type)) { try MarkerPDU(bytes: bytes[..<2] + [type] + bytes[3...]) }
        }
        // Version, pad, terminator and reserved bytes may be anything, and what follows may be cut off.
        for offset in [1, 16, 17, 18, 19, 20, 109] {
            #expect(try MarkerPDU(bytes: bytes[..<offset] + [9] + bytes[(offset + 1)...]) == marker)
        }
        #expect(try MarkerPDU(bytes: Array(bytes[..<18])) == marker)
        #expect(throws: SlowProtocolFault.subtype(1)) { try MarkerPDU(bytes: golden) }
    }

    @Test func `no bytes break the readers, and what is read is written the same`() {
        var random = SeededRandom(state: SeededRandom.seed)
        var read = 0
        for _ in 0..<SeededRandom.cases {
            var bytes = golden
            // Few changes, so that most of a unit stays right.
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Int.random(in: 0..<4, using: &random) == 0 { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
            if Int.random(in: 0..<4, using: &random) == 0 { bytes += [UInt8](repeating: 7, count: Int.random(in: 1...200, using: &random)) }
            _ = try? MarkerPDU(bytes: bytes)
            guard let unit = try? LACPDU(bytes: bytes) else { continue }
            read += 1
            if unit.version == 1 { #expect((try? LACPDU(bytes: unit.bytes)) == unit) }
        }
        #expect(read > SeededRandom.cases / 4)
    }
}
