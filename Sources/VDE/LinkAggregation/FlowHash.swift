/// Which leg a frame takes: a function of the seed and of what tells its flow from others, so that the frames of a flow stay in order
/// (IEEE 802.1AX-2014, 6.2.4, which asks for that order and leaves the choice open).
///
/// The flow is: both MAC addresses, the outermost VLAN's number and the type; of IPv4 and IPv6 also both addresses and the protocol; of TCP, UDP
/// and SCTP in packets that are not fragments also both ports. Fragments have no ports but in the first of them, so none of them counts.
/// IPv6's extension headers are passed. All other frames, ARP for one, are told by their MAC addresses and type alone.
///
/// Of the legs that may be used the one with the highest mix of flow and leg is taken (rendezvous hashing): when a leg goes, its flows
/// spread over the others; when it comes back, just they return; no other flow moves.
struct FlowHash: Sendable {
    var seed: UInt64

    /// The leg of a flow; nil when there is none to use.
    func leg(_ flow: UInt64, among legs: some Sequence<Int>) -> Int? {
        var best: (leg: Int, weight: UInt64)?
        for leg in legs {
            let weight = Self.mix(flow &+ UInt64(truncatingIfNeeded: leg + 1) &* 0x9E37_79B9_7F4A_7C15)
            if best.map({ weight > $0.weight }) ?? true { best = (leg, weight) }
        }
        return best?.leg
    }

    /// The flow of a frame.
    func flow(_ frame: UnsafeRawBufferPointer) -> UInt64 {
        var hash = Self.mix(seed ^ 0x6C61_6700)
        guard frame.count >= 14 else { return hash }
        add(frame, 0..<12, to: &hash)
        var offset = 12
        var isFirstTag = true
        // Compared one by one here and below: an array for it would be made for each frame.
        while offset + 6 <= frame.count, case let type = word(frame, offset), type == VLANTag.customer || type == VLANTag.service {
            if isFirstTag { add(UInt64(word(frame, offset + 2) & 0xFFF), to: &hash) }
            isFirstTag = false
            offset += 4
        }
        guard offset + 2 <= frame.count else { return hash }
        let type = word(frame, offset)
        add(UInt64(type), to: &hash)
        switch type {
        case 0x0800: addIPv4(frame, offset + 2, to: &hash)
        case 0x86DD: addIPv6(frame, offset + 2, to: &hash)
        default: break
        }
        return hash
    }

    private func addIPv4(_ frame: UnsafeRawBufferPointer, _ start: Int, to hash: inout UInt64) {
        guard start + 20 <= frame.count else { return }
        let (length, networkProtocol) = (Int(frame[start] & 15) * 4, frame[start + 9])
        add(frame, (start + 12)..<(start + 20), to: &hash)
        add(UInt64(networkProtocol), to: &hash)
        // More fragments, or not the first one.
        guard word(frame, start + 6) & 0x3FFF == 0, length >= 20 else { return }
        addPorts(frame, start + length, networkProtocol, to: &hash)
    }

    private func addIPv6(_ frame: UnsafeRawBufferPointer, _ start: Int, to hash: inout UInt64) {
        guard start + 40 <= frame.count else { return }
        add(frame, (start + 8)..<(start + 40), to: &hash)
        var (next, offset) = (frame[start + 6], start + 40)
        // Hop-by-hop, routing and destination options: next header, and a length in units of 8 bytes without the first.
        while next == 0 || next == 43 || next == 60, offset + 8 <= frame.count {
            (next, offset) = (frame[offset], offset + 8 + Int(frame[offset + 1]) * 8)
        }
        add(UInt64(next), to: &hash)
        addPorts(frame, offset, next, to: &hash)
    }

    private func addPorts(_ frame: UnsafeRawBufferPointer, _ offset: Int, _ networkProtocol: UInt8, to hash: inout UInt64) {
        guard networkProtocol == 6 || networkProtocol == 17 || networkProtocol == 132, offset + 4 <= frame.count else { return }
        add(frame, offset..<(offset + 4), to: &hash)
    }

    private func add(_ frame: UnsafeRawBufferPointer, _ range: Range<Int>, to hash: inout UInt64) {
        var offset = range.lowerBound
        while offset + 4 <= range.upperBound {
            add(UInt64(frame.loadUnaligned(fromByteOffset: offset, as: UInt32.self)), to: &hash)
            offset += 4
        }
    }

    private func add(_ value: UInt64, to hash: inout UInt64) { hash = Self.mix(hash &+ value) }

    private func word(_ frame: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
        UInt16(frame[offset]) << 8 | UInt16(frame[offset + 1])
    }

    /// The last step of SplitMix64, in which every bit depends on every other.
    private static func mix(_ word: UInt64) -> UInt64 {
        var word = word &+ 0x9E37_79B9_7F4A_7C15
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
