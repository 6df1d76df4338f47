import LabEvents
import Testing

@testable import VDE

@Suite("Flows of a link aggregation", .tier(.unit)) struct FlowHashTests {
    private let hash = FlowHash(seed: 5)

    private func flow(_ frame: EthernetFrame, seed: UInt64 = 5) -> UInt64 {
        frame.bytes.withUnsafeBytes { FlowHash(seed: seed).flow($0) }
    }

    /// A packet with ports.
    private func packet(
        v6: Bool = false, networkProtocol: UInt8 = 6, from: UInt8 = 1, to: UInt8 = 2, source: UInt8 = 10, target: UInt8 = 80,
        fragment: UInt16 = 0,
        options: Int = 0, identification: UInt8 = 0, tags: [VLANTag] = [], payload: UInt8 = 0
    ) -> EthernetFrame {
        let segment = [0, source, 0, target] + [UInt8](repeating: payload, count: 40)
        var bytes: [UInt8]
        if v6 {
            let extension0 = [UInt8](repeating: 0, count: options * 8)
            bytes = [0x60, 0, 0, identification, 0, 60, options > 0 ? 0 : networkProtocol, 64]
            bytes += [UInt8](repeating: 0, count: 15) + [from] + [UInt8](repeating: 0, count: 15) + [to] + extension0
            if options > 0 { (bytes[40], bytes[41]) = (networkProtocol, UInt8(options - 1)) }
        } else {
            bytes = [0x45 + UInt8(options), 0, 0, 60, 0, identification, UInt8(fragment >> 8), UInt8(fragment & 0xFF), 64, networkProtocol]
            bytes += [0, 0, 10, 0, 0, from, 10, 0, 0, to] + [UInt8](repeating: 9, count: options * 4)
        }
        return EthernetFrame(
            destination: .numbered(2), source: .numbered(1), tags: tags, ethertype: v6 ? 0x86DD : 0x0800, payload: bytes + segment)
    }

    @Test func `what is one flow has one hash`() {
        for v6 in [false, true] {
            let flow0 = flow(packet(v6: v6))
            #expect(flow(packet(v6: v6, identification: 77, payload: 5)) == flow0)
            #expect(flow(packet(v6: v6, options: 2)) == flow0, "options are no part of a flow")
        }
        #expect(flow(packet(tags: [VLANTag(5, priority: 1)])) == flow(packet(tags: [VLANTag(5, priority: 6)])))
        // The first fragment has ports, the others have not.
        #expect(flow(packet(source: 3, fragment: 0x2000)) == flow(packet(source: 200, fragment: 0x0064)))
        #expect(flow(packet(source: 3, fragment: 0x4000)) == flow(packet(source: 3)), "do not fragment")
    }

    @Test func `what differs in an address, port, protocol, VLAN or seed is another flow`() {
        for v6 in [false, true] {
            let flows = [
                packet(v6: v6), packet(v6: v6, networkProtocol: 17), packet(v6: v6, networkProtocol: 132), packet(v6: v6, from: 3),
                packet(v6: v6, to: 3), packet(v6: v6, source: 11), packet(v6: v6, target: 81), packet(v6: v6, tags: [VLANTag(5)]),
                packet(v6: v6, tags: [VLANTag(6)]),
            ].map { flow($0) }
            #expect(Set(flows + [flow(packet(v6: v6), seed: 6)]).count == 10)
        }
        // ICMP has no ports.
        #expect(flow(packet(networkProtocol: 1, source: 1)) == flow(packet(networkProtocol: 1, source: 2)))
    }

    @Test func `no bytes are too few`() {
        for frame in [packet(), packet(options: 3), packet(v6: true, options: 3, tags: [VLANTag(1), VLANTag(2)])] {
            for count in 0...frame.bytes.count {
                _ = frame.bytes[..<count].withUnsafeBytes { hash.flow(UnsafeRawBufferPointer(rebasing: $0[...])) }
            }
        }
    }

    @Test func `flows spread over the legs, and only those of a leg that goes move`() {
        let flows = (0..<4000).map { flow(packet(source: UInt8($0 & 0xFF), target: UInt8($0 >> 8))) }
        let all = flows.map { hash.leg($0, among: 0..<4) }
        for leg in 0..<4 {
            // 1000 expected, with a standard deviation of 27.
            #expect((850...1150).contains(all.count { $0 == leg }))
        }
        let less = flows.map { hash.leg($0, among: [0, 1, 3]) }
        for (one, other) in zip(all, less) where one != 2 { #expect(one == other) }
        #expect(Set(zip(all, less).filter { $0.0 == 2 }.map(\.1)) == [0, 1, 3])
        #expect(hash.leg(1, among: []) == nil)
    }
}
