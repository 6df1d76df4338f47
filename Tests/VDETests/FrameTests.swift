import LabEvents
import Testing

@testable import VDE

/// What passes is proved by its arrival, what is dropped by a later frame of the same sender that arrives first: a switch keeps the order.
@Suite("Frames through a switch", .tier(.contract)) struct FrameTests {
    /// A switch with host ports.
    private func withClients(
        _ ports: [Int], configure: (VDESwitch) async throws -> Void = { _ in }, _ body: (VDESwitch, [Int: HostPort]) async throws -> Void
    ) async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await configure(vdeSwitch)
            try await vdeSwitch.withHostPorts(ports) { try await body(vdeSwitch, $0) }
        }
    }

    private func configureVLANs(_ vdeSwitch: VDESwitch) async throws {
        for vlan in [100, 200] { try await vdeSwitch.createVLAN(vlan) }
        for port in [3, 4, 5, 6] { try await vdeSwitch.createPort(port) }
        try await vdeSwitch.setAccessVLAN(port: 3, vlan: 200)
        for port in [4, 5] { try await vdeSwitch.addPort(port, toVLAN: 200) }
        try await vdeSwitch.addPort(6, toVLAN: 100)
    }

    @Test func `untagged frames pass as they are, foreign tags do not`() async throws {
        try await withClients([1, 2]) { _, clients in
            let (one, two) = (try #require(clients[1]), try #require(clients[2]))
            try await one.send(7, tags: [VLANTag(100)])
            try await one.send(8)
            #expect(try await two.next() == .numbered(8, from: 1))
            try await two.send(9)
            #expect(try await one.next() == .numbered(9, from: 2))
        }
    }

    @Test func `an address that moves to another port is found there at once`() async throws {
        try await withClients([1, 2, 3]) { _, clients in
            let (one, two, three) = (try #require(clients[1]), try #require(clients[2]), try #require(clients[3]))
            let mover = try #require(MACAddress("02:00:00:00:00:77"))
            func hello(_ port: HostPort) async throws {
                try await port.send(EthernetFrame(destination: EthernetFrame.broadcast, source: mover, ethertype: 0x88B5, payload: [77]))
            }
            for (port, silent) in [(one, two), (two, one), (one, two)] {
                try await hello(port)
                #expect(try await three.next()?.source == mover)
                #expect(try await silent.next()?.source == mover)
                let sender = try #require(MACAddress("02:00:00:00:00:78"))
                try await three.send(EthernetFrame(destination: mover, source: sender, ethertype: 0x88B5, payload: [78]))
                #expect(try await port.next()?.source == sender)
            }
        }
    }

    @Test func `trunk members get the tag, access ports do not, others get nothing`() async throws {
        try await withClients([1, 3, 4, 5, 6], configure: configureVLANs) { _, clients in
            let client = { (port: Int) throws in try #require(clients[port]) }
            // From an access port: tagged on both trunks.
            try await client(3).send(1)
            #expect(try await client(4).next() == .numbered(1, from: 3, tags: [VLANTag(200)]))
            #expect(try await client(5).next() == .numbered(1, from: 3, tags: [VLANTag(200)]))
            // From a trunk: tagged on the other trunk, without a tag at the access port.
            try await client(4).send(2, tags: [VLANTag(200)])
            #expect(try await client(5).next() == .numbered(2, from: 4, tags: [VLANTag(200)]))
            #expect(try await client(3).next() == .numbered(2, from: 4))
            // A VLAN that the trunk is not in, and one that nobody made, are dropped.
            for vlan in [100, 300] { try await client(4).send(3, tags: [VLANTag(vlan)]) }
            try await client(4).send(4, tags: [VLANTag(200)])
            #expect(try await client(5).next() == .numbered(4, from: 4, tags: [VLANTag(200)]))
            #expect(try await client(3).next() == .numbered(4, from: 4))
            // Ports outside of VLAN 200 saw none of it: what comes first there is in VLAN 0.
            try await client(4).send(5)
            #expect(try await client(1).next() == .numbered(5, from: 4))
            #expect(try await client(6).next() == .numbered(5, from: 4))
            // An access port takes no frame of VLAN 0.
            try await client(4).send(6, tags: [VLANTag(200)])
            #expect(try await client(3).next() == .numbered(6, from: 4))
        }
    }

    @Test func `a removed trunk member gets no more, and a port that drops untagged frames passes tagged ones alone`() async throws {
        try await withClients([3, 4, 5], configure: configureVLANs) { vdeSwitch, clients in
            let (access, trunk, other) = (try #require(clients[3]), try #require(clients[4]), try #require(clients[5]))
            try await vdeSwitch.removePort(5, fromVLAN: 200)
            try await access.send(1)
            #expect(try await trunk.next() == .numbered(1, from: 3, tags: [VLANTag(200)]))
            try await trunk.send(2)
            #expect(try await other.next() == .numbered(2, from: 4))
            try await vdeSwitch.dropUntagged(port: 4)
            try await trunk.send(3)
            try await trunk.send(4, tags: [VLANTag(200)])
            #expect(try await access.next() == .numbered(4, from: 4))
            try await vdeSwitch.setAccessVLAN(port: 4, vlan: 0)
            try await trunk.send(5)
            #expect(try await other.next() == .numbered(5, from: 4))
        }
    }

    @Test func `addresses are learned in their VLAN, and what has a known place goes there alone`() async throws {
        try await withClients([1, 2, 3, 4, 5], configure: configureVLANs) { vdeSwitch, clients in
            #expect(try await vdeSwitch.addressTable() == [])
            let (one, two, access, trunk) = (
                try #require(clients[1]), try #require(clients[2]), try #require(clients[3]), try #require(clients[4])
            )
            try await one.send(.numbered(1, from: 0x1a))
            #expect(try await two.next() == .numbered(1, from: 0x1a))
            try await access.send(2)
            #expect(try await trunk.next() == .numbered(1, from: 0x1a))
            #expect(try await trunk.next() == .numbered(2, from: 3, tags: [VLANTag(200)]))
            var table = try await vdeSwitch.addressTable().sorted { $0.port < $1.port }
            for index in table.indices {
                #expect(table[index].age <= 60)
                table[index].age = 0
            }
            #expect(
                table == [
                    LearnedAddress(address: "02:00:00:00:00:1a", vlan: 0, port: 1, age: 0),
                    LearnedAddress(address: "02:00:00:00:00:03", vlan: 200, port: 3, age: 0),
                ])
            let known = EthernetFrame.numbered(3, from: 2, to: MACAddress(bytes: [2, 0, 0, 0, 0, 0x1a]))
            try await two.send(known)
            try await two.send(4)
            #expect(try await one.next() == known)
            #expect(try await trunk.next() == .numbered(4, from: 2), "the one before went to port 1 alone")
        }
    }

    @Test func `one address may be in several VLANs at several ports, and is found in each of them`() async throws {
        let program = SwitchProgram(ports: [
            .init(1, untagged: 100), .init(2, untagged: 200), .init(3, untagged: 100), .init(4, untagged: 200),
            .init(5, untagged: nil, tagged: [100, 200]), .init(6, untagged: 0),
        ])
        try await withClients([1, 2, 3, 4, 5, 6], configure: { try await $0.apply(program) }) { vdeSwitch, clients in
            let client = { (port: Int) throws in try #require(clients[port]) }
            let shared = MACAddress(bytes: [2, 0, 0, 0, 0, 0x77])
            for port in [1, 2, 6] { try await client(port).send(.numbered(UInt8(port), from: 0x77)) }
            #expect(try await client(3).next() == .numbered(1, from: 0x77))
            #expect(try await client(4).next() == .numbered(2, from: 0x77))
            #expect(try await client(5).next() == .numbered(1, from: 0x77, tags: [VLANTag(100)]))
            #expect(try await client(5).next() == .numbered(2, from: 0x77, tags: [VLANTag(200)]))
            while try await vdeSwitch.addressTable().count < 3 {}
            #expect(Set(try await vdeSwitch.addressTable().map { [$0.vlan, $0.port] }) == [[100, 1], [200, 2], [0, 6]])
            // To the address, from every side; and then to all, which shows that nothing else came.
            try await client(3).send(13, to: shared)
            try await client(4).send(14, to: shared)
            for vlan in [100, 200] { try await client(5).send(UInt8(15 + vlan / 100), tags: [VLANTag(vlan)], to: shared) }
            for vlan in [100, 200] { try await client(5).send(20, tags: [VLANTag(vlan)]) }
            #expect(try await numbers(client(1), until: 20) == [13, 16])
            #expect(try await numbers(client(2), until: 20) == [14, 17])
            #expect(try await numbers(client(3), until: 20) == [])
            #expect(try await numbers(client(4), until: 20) == [])
        }
    }

    /// What comes before a frame of a number, in ascending order: frames of several senders have none among them.
    private func numbers(_ port: HostPort, until last: UInt8) async throws -> [UInt8] {
        var numbers: [UInt8] = []
        while let number = try await port.next()?.payload.first, number != last { numbers.append(number) }
        return numbers.sorted()
    }

    @Test func `counters grow by frames and bytes, and stay when the client leaves`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await configureVLANs(vdeSwitch)
            try await vdeSwitch.withHostPort(4) { trunk in
                try await vdeSwitch.withHostPort(3) { access in
                    let none = PortCounters(packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0)
                    #expect(try await vdeSwitch.counters(port: 3) == none)
                    for number in 1...5 as ClosedRange<UInt8> {
                        try await access.send(number)
                        #expect(try await trunk.next()?.payload.first == number)
                    }
                    try await trunk.send(6, tags: [VLANTag(200)])
                    #expect(try await access.next()?.payload.first == 6)
                    // 114 bytes, and 4 more with the tag.
                    let expected = PortCounters(packetsIn: 5, bytesIn: 5 * 114, packetsOut: 1, bytesOut: 114)
                    #expect(try await vdeSwitch.counters(port: 3) == expected)
                    let tagged = PortCounters(packetsIn: 1, bytesIn: 118, packetsOut: 5, bytesOut: 5 * 118)
                    #expect(try await vdeSwitch.counters(port: 4) == tagged)
                }
                try await vdeSwitch.withHostPort(3) { again in
                    try await trunk.send(7, tags: [VLANTag(200)])
                    #expect(try await again.next() == .numbered(7, from: 4))
                    #expect(try await vdeSwitch.counters(port: 3).packetsOut == 2)
                }
            }
        }
    }
}
