import Foundation
import LabEvents
import Testing

@testable import VDE

/// What passes is proved by its arrival, what is dropped by a later frame of the same sender that arrives first: a switch keeps the order.
@Suite("Frames through a switch", .tier(.contract)) struct FrameTests {
    /// A switch with clients at some of its ports.
    private func withClients(
        _ ports: [Int], configure: (VDESwitch) async throws -> Void = { _ in }, _ body: (VDESwitch, [Int: DataClient]) async throws -> Void
    ) async throws {
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                try await configure(vdeSwitch)
                var clients: [Int: DataClient] = [:]
                for port in ports {
                    clients[port] = try DataClient(
                        folder: folder.path + "/s", port: port, path: folder.path + "/c\(port)", description: "client \(port)")
                }
                try await body(vdeSwitch, clients)
            }
        }
    }

    private func configureVLANs(_ vdeSwitch: VDESwitch) async throws {
        for vlan in [100, 200] { try await vdeSwitch.createVLAN(vlan) }
        for port in [3, 4, 5, 6] { try await vdeSwitch.createPort(port) }
        try await vdeSwitch.setAccessVLAN(port: 3, vlan: 200)
        for port in [4, 5] { try await vdeSwitch.addPort(port, toVLAN: 200) }
        try await vdeSwitch.addPort(6, toVLAN: 100)
    }

    @Test func `a client gets the port it asks for, and none beyond the last`() async throws {
        try await withClients([3, 8]) { vdeSwitch, clients in
            for (port, client) in clients { #expect(client.port == port) }
            let ports = try await vdeSwitch.ports()
            #expect(ports.map(\.number) == [3, 8])
            #expect(ports.map { $0.endpoints.map(\.description) } == [["client 3"], ["client 8"]])
            #expect(ports.allSatisfy { $0.isActive && $0.untaggedVLAN == 0 })
            let folder = vdeSwitch.configuration.socketFolder
            // It gets no answer, not even a refusal.
            #expect(throws: DataClient.Failure.self) { try DataClient(folder: folder, port: 9, path: folder + "9", limit: 100) }
            #expect(try await vdeSwitch.ports().map(\.number) == [3, 8])
            // Port 1 is made for somebody, so one who asks for any gets port 2.
            try await vdeSwitch.createPort(1)
            #expect(try DataClient(folder: folder, port: 0, path: folder + "0").port == 2)
        }
    }

    @Test func `untagged frames pass as they are, foreign tags do not`() async throws {
        try await withClients([1, 2]) { _, clients in
            let (one, two) = (try #require(clients[1]), try #require(clients[2]))
            try one.send(Frame(from: 1, vlan: 100, 7))
            try one.send(Frame(from: 1, 8))
            #expect(try two.receive() == Frame(from: 1, 8))
            try two.send(Frame(from: 2, 9))
            #expect(try one.receive() == Frame(from: 2, 9))
        }
    }

    @Test func `trunk members get the tag, access ports do not, others get nothing`() async throws {
        try await withClients([1, 3, 4, 5, 6], configure: configureVLANs) { _, clients in
            let client = { (port: Int) throws in try #require(clients[port]) }
            // From an access port: tagged on both trunks.
            try client(3).send(Frame(from: 3, 1))
            #expect(try client(4).receive() == Frame(from: 3, vlan: 200, 1))
            #expect(try client(5).receive() == Frame(from: 3, vlan: 200, 1))
            // From a trunk: tagged on the other trunk, without a tag at the access port.
            try client(4).send(Frame(from: 4, vlan: 200, 2))
            #expect(try client(5).receive() == Frame(from: 4, vlan: 200, 2))
            #expect(try client(3).receive() == Frame(from: 4, 2))
            // A VLAN that the trunk is not in, and one that nobody made, are dropped.
            for vlan in [100, 300] { try client(4).send(Frame(from: 4, vlan: vlan, 3)) }
            try client(4).send(Frame(from: 4, vlan: 200, 4))
            #expect(try client(5).receive() == Frame(from: 4, vlan: 200, 4))
            #expect(try client(3).receive() == Frame(from: 4, 4))
            // Ports outside of VLAN 200 saw none of it: what comes first there is in VLAN 0.
            try client(4).send(Frame(from: 4, 5))
            #expect(try client(1).receive() == Frame(from: 4, 5))
            #expect(try client(6).receive() == Frame(from: 4, 5))
            // An access port takes no frame of VLAN 0.
            try client(4).send(Frame(from: 4, vlan: 200, 6))
            #expect(try client(3).receive() == Frame(from: 4, 6))
        }
    }

    @Test func `a removed trunk member gets no more, and a port that drops untagged frames passes tagged ones alone`() async throws {
        try await withClients([3, 4, 5], configure: configureVLANs) { vdeSwitch, clients in
            let (access, trunk, other) = (try #require(clients[3]), try #require(clients[4]), try #require(clients[5]))
            try await vdeSwitch.removePort(5, fromVLAN: 200)
            try access.send(Frame(from: 3, 1))
            #expect(try trunk.receive() == Frame(from: 3, vlan: 200, 1))
            try trunk.send(Frame(from: 4, 2))
            #expect(try other.receive() == Frame(from: 4, 2))
            try await vdeSwitch.dropUntagged(port: 4)
            try trunk.send(Frame(from: 4, 3))
            try trunk.send(Frame(from: 4, vlan: 200, 4))
            #expect(try access.receive() == Frame(from: 4, 4))
            try await vdeSwitch.setAccessVLAN(port: 4, vlan: 0)
            try trunk.send(Frame(from: 4, 5))
            #expect(try other.receive() == Frame(from: 4, 5))
        }
    }

    @Test func `addresses are learned in their VLAN, and what has a known place goes there alone`() async throws {
        try await withClients([1, 2, 3, 4, 5], configure: configureVLANs) { vdeSwitch, clients in
            #expect(try await vdeSwitch.addressTable() == [])
            let (one, two, access, trunk) = (
                try #require(clients[1]), try #require(clients[2]), try #require(clients[3]), try #require(clients[4])
            )
            try one.send(Frame(from: 0x1a, 1))
            #expect(try two.receive() == Frame(from: 0x1a, 1))
            try access.send(Frame(from: 3, 2))
            #expect(try trunk.receive().payload == 1)
            #expect(try trunk.receive() == Frame(from: 3, vlan: 200, 2))
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
            var known = Frame(from: 2, 3)
            known.destination = [2, 0, 0, 0, 0, 0x1a]
            try two.send(known)
            try two.send(Frame(from: 2, 4))
            #expect(try one.receive() == known)
            #expect(try trunk.receive() == Frame(from: 2, 4), "the one before went to port 1 alone")
        }
    }

    @Test func `counters grow by frames and bytes, and stay when the client leaves`() async throws {
        try await withClients([3, 4], configure: configureVLANs) { vdeSwitch, clients in
            let (access, trunk) = (try #require(clients[3]), try #require(clients[4]))
            #expect(try await vdeSwitch.counters(port: 3) == PortCounters(packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0))
            for payload in 1...5 as ClosedRange<UInt8> {
                try access.send(Frame(from: 3, payload))
                #expect(try trunk.receive().payload == payload)
            }
            try trunk.send(Frame(from: 4, vlan: 200, 6))
            #expect(try access.receive().payload == 6)
            // 114 bytes, and 4 more with the tag.
            let expected = PortCounters(packetsIn: 5, bytesIn: 5 * 114, packetsOut: 1, bytesOut: 114)
            #expect(try await vdeSwitch.counters(port: 3) == expected)
            #expect(
                try await vdeSwitch.counters(port: 4) == PortCounters(packetsIn: 1, bytesIn: 118, packetsOut: 5, bytesOut: 5 * 118))
            access.leave()
            // The switch sees the leaving before it sees a new client, and the port is as it was.
            let again = try DataClient(
                folder: vdeSwitch.configuration.socketFolder, port: 3, path: vdeSwitch.configuration.socketFolder + "3")
            #expect(again.port == 3)
            try trunk.send(Frame(from: 4, vlan: 200, 7))
            #expect(try again.receive() == Frame(from: 4, 7))
            #expect(try await vdeSwitch.counters(port: 3).packetsOut == 2)
        }
    }
}
