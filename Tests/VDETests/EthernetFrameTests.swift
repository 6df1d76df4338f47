import LabEvents
import Testing

@testable import VDE

@Suite("Ethernet frames", .tier(.unit)) struct EthernetFrameTests {
    private let source = MACAddress(bytes: [2, 0, 0, 0, 0, 1])

    struct Form: Sendable {
        var tags: [VLANTag]
        var header: [UInt8]
    }

    @Test(arguments: [
        Form(tags: [], header: [0x88, 0xB5]),
        Form(tags: [VLANTag(100)], header: [0x81, 0, 0, 100, 0x88, 0xB5]),
        Form(tags: [VLANTag(0, priority: 7)], header: [0x81, 0, 0xE0, 0, 0x88, 0xB5]),
        Form(tags: [VLANTag(4095, priority: 5, isDropEligible: true)], header: [0x81, 0, 0xBF, 0xFF, 0x88, 0xB5]),
        Form(tags: [VLANTag(0x123, ethertype: VLANTag.service), VLANTag(7)], header: [0x88, 0xA8, 1, 0x23, 0x81, 0, 0, 7, 0x88, 0xB5]),
    ]) func `a frame is written and read`(_ form: Form) throws {
        let frame = EthernetFrame(source: source, tags: form.tags, ethertype: 0x88B5, payload: [UInt8](1...60))
        #expect(frame.bytes == [UInt8](repeating: 0xFF, count: 6) + source.bytes + form.header + [UInt8](1...60))
        #expect(EthernetFrame(bytes: frame.bytes) == frame)
    }

    @Test func `a short frame is filled to 60 bytes`() throws {
        let frame = EthernetFrame(source: source, tags: [VLANTag(1)], ethertype: 0x0806, payload: [9])
        #expect(frame.bytes.count == 60)
        #expect(EthernetFrame(bytes: frame.bytes)?.payload == [9] + [UInt8](repeating: 0, count: 41))
    }

    @Test func `bytes that end inside the header are no frame`() {
        let bytes = EthernetFrame(source: source, tags: [VLANTag(1)], ethertype: 0x0806, payload: []).bytes
        for count in 0...17 { #expect(EthernetFrame(bytes: bytes[..<count]) == nil) }
        #expect(EthernetFrame(bytes: bytes[..<18])?.payload == [])
    }
}
