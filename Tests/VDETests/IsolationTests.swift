import LabEvents
import Testing

@testable import VDE

/// Frames of every kind are injected at every port of two joined switches, and everything that comes out of every other port is compared
/// with a model.
///
/// That nothing more comes is known by order, not by time. A switch works on one thing at a time, so once its counter shows that it took a
/// frame, the frame's copies are in the queues of its ports. Barrier frames that are sent then come after them: first through the trunks, and
/// once they arrived at the other switch, to every port from its own switch.
@Suite("Isolation on the wire", .tier(.contract), .timeLimit(.minutes(5))) struct IsolationTests {
    typealias Place = TestFabric.Place

    private static let tagger = 10
    private static let plain = 11
    private static let spare = 14
    private static let clients = Array(1...11) + [spare]

    /// All kinds of ports; what the trunks carry is each test's own.
    private static func program(_ trunks: [SwitchProgram.Port]) -> SwitchProgram {
        SwitchProgram(
            ports: [
                .init(1, untagged: 100), .init(2, untagged: 100), .init(3, untagged: 200), .init(4, untagged: nil, tagged: [100, 200]),
                .init(5, untagged: nil, tagged: [100]), .init(6, untagged: 100, tagged: [200]), .init(7, untagged: 0),
                .init(8, untagged: 0, tagged: [200]), .init(9, untagged: 300), .init(tagger, untagged: nil, tagged: [100, 200, 300]),
                .init(plain, untagged: 0),
            ] + trunks)
    }

    private static let kinds: [[VLANTag]] = {
        let numbers = [0, 1, 100, 200, 300, 400, 4094, 4095]
        var kinds: [[VLANTag]] = [[], [VLANTag(100, priority: 5)], [VLANTag(0, priority: 7)], [VLANTag(200, isDropEligible: true)]]
        kinds += numbers.map { [VLANTag($0)] }
        for outer in [0, 100, 200, 300, 400, 4095] { kinds += [0, 100, 200, 300, 4095].map { [VLANTag(outer), VLANTag($0)] } }
        for outer in [0, 100, 200] {
            let service = VLANTag(outer, ethertype: VLANTag.service)
            kinds += [[service], [service, VLANTag(100)], [service, VLANTag(200)], [VLANTag(100), service], [VLANTag(0), service]]
        }
        return kinds + [[VLANTag(100), VLANTag(200), VLANTag(100)], [VLANTag(0), VLANTag(0), VLANTag(200)]]
    }()

    /// What came out of a port: the kind that was sent, and its tags there.
    private struct Sighting: Hashable {
        var kind: Int
        var tags: [VLANTag]
    }

    /// Sends all kinds at a place, and collects what comes out of every other one.
    private func inject(at place: Place, in fabric: TestFabric, _ model: FabricModel, round: UInt8) async throws -> [Place: [Sighting]] {
        let port = try #require(fabric.ports[place])
        let local = try #require(fabric.switches[place.node])
        let before = try await local.counters(port: place.port).packetsIn
        for (kind, tags) in Self.kinds.enumerated() {
            let unknown = MACAddress(bytes: [2, 0, 0, 0, 9, UInt8(kind)])
            try await port.send(UInt8(kind), tags: tags, to: kind.isMultiple(of: 2) ? EthernetFrame.broadcast : unknown)
        }
        while try await local.counters(port: place.port).packetsIn < before + Self.kinds.count {}
        let far = place.node == "a" ? "b" : "a"
        var sightings: [Place: [Sighting]] = [:]
        /// Reads at a place until a barrier frame has come.
        func read(at place: Place, until barrier: [UInt8]) async throws {
            while let frame = try await fabric.ports[place]?.next() {
                if frame.ethertype == 0x88B6 {
                    if Array(frame.payload.prefix(barrier.count)) == barrier { return }
                } else {
                    sightings[place, default: []].append(Sighting(kind: Int(frame.payload[0]), tags: frame.tags))
                }
            }
        }
        /// The barriers of every VLAN, from a switch's own senders: number, VLAN / 100, phase, switch.
        func raise(at node: String, _ vlan: Int, _ phase: UInt8) async throws -> [UInt8] {
            let sender = Place(node: node, port: vlan == 0 ? Self.plain : Self.tagger)
            let words = [round, UInt8(vlan / 100), phase, node == "a" ? 1 : 2]
            try await fabric.ports[sender]?.send(
                EthernetFrame(
                    source: MACAddress(bytes: [2, 0, 0, 0, 1, UInt8(sender.port)]), tags: vlan == 0 ? [] : [VLANTag(vlan)],
                    ethertype: 0x88B6, payload: words + [UInt8](repeating: 0, count: 80)))
            return words
        }
        for vlan in [0, 100, 200] where model.trunks.contains(where: { model.carries(vlan, at: $0) }) {
            let words = try await raise(at: place.node, vlan, 1)
            try await read(at: Place(node: far, port: vlan == 0 ? Self.plain : Self.tagger), until: words)
        }
        for node in [place.node, far] {
            for vlan in [0, 100, 200, 300] {
                let words = try await raise(at: node, vlan, 2)
                for port in Self.clients where model.carries(vlan, at: port) && port != (vlan == 0 ? Self.plain : Self.tagger) {
                    try await read(at: Place(node: node, port: port), until: words)
                }
            }
            // A sender sees no barrier of its own: the other one's come back to it.
            try await read(at: Place(node: node, port: Self.tagger), until: try await echo(node, vlan: 100, from: 4, fabric, round))
            try await read(at: Place(node: node, port: Self.plain), until: try await echo(node, vlan: 0, from: 7, fabric, round))
        }
        return sightings
    }

    private func echo(_ node: String, vlan: Int, from port: Int, _ fabric: TestFabric, _ round: UInt8) async throws -> [UInt8] {
        let words = [round, UInt8(vlan / 100), 3, node == "a" ? 1 : 2]
        try await fabric.ports[Place(node: node, port: port)]?.send(
            EthernetFrame(
                source: MACAddress(bytes: [2, 0, 0, 0, 1, UInt8(port)]), tags: vlan == 0 ? [] : [VLANTag(vlan)], ethertype: 0x88B6,
                payload: words + [UInt8](repeating: 0, count: 80)))
        return words
    }

    /// A frame that came out at a port that does not carry the VLAN it entered.
    private struct Leak: Hashable {
        var from: Place
        var tags: [VLANTag]
        var to: Place
    }

    /// Runs all rounds, compares each with the model, and returns the leaks.
    private func leaks(_ trunks: [SwitchProgram.Port]) async throws -> (leaks: Set<Leak>, misread: Set<Int>) {
        let program = Self.program(trunks)
        let model = FabricModel(program: program, trunks: trunks.map(\.number))
        var leaks: Set<Leak> = []
        var misread: Set<Int> = []
        try await TestFabric.with(program, trunks: model.trunks, clients: Self.clients) { fabric in
            for (round, place) in fabric.ports.keys.sorted().enumerated() {
                let seen = try await inject(at: place, in: fabric, model, round: UInt8(round))
                var expected: [Place: [Sighting]] = [:]
                for (kind, tags) in Self.kinds.enumerated() {
                    for (other, left) in model.delivery(of: tags, from: place) {
                        expected[other, default: []].append(Sighting(kind: kind, tags: left))
                    }
                }
                for other in fabric.ports.keys {
                    // What comes over one trunk may overtake what comes over another.
                    let sorted = (seen[other] ?? []).sorted { $0.kind < $1.kind }
                    #expect(sorted == expected[other] ?? [], "from \(place) to \(other)")
                    for sighting in seen[other] ?? [] {
                        let tags = Self.kinds[sighting.kind]
                        let entry = model.entry(tags, at: place.port)
                        if !model.carries(entry ?? -1, at: other.port) { leaks.insert(Leak(from: place, tags: tags, to: other)) }
                        if model.entry(sighting.tags, at: other.port) != entry, model.entry(sighting.tags, at: other.port) != nil {
                            misread.insert(other.port)
                        }
                    }
                }
            }
            for port in fabric.ports.values { #expect(port.lostFrames == 0) }
            for vdeSwitch in fabric.switches.values {
                let counters = try await vdeSwitch.counters(port: Self.spare)
                #expect(counters.packetsOut == 0)
                #expect(counters.packetsIn == Self.kinds.count)
                try await vdeSwitch.check(program)
            }
        }
        return (leaks, misread)
    }

    @Test func `nothing appears at a port that does not carry its VLAN, whatever is sent anywhere`() async throws {
        let (leaks, misread) = try await leaks([.init(12, untagged: nil, tagged: [100, 200]), .init(13, untagged: 0)])
        #expect(leaks == [])
        // A second tag, which the sender chose, is the first one behind a port that takes the outer tag off: as with any switch, a client of
        // such a port that has VLANs with their tags too takes the frame for one of those.
        #expect(misread == [6, 8])
    }

    @Test func `a trunk that also carries frames without a tag lets a second tag change the VLAN`() async throws {
        let (leaks, _) = try await leaks([.init(12, untagged: 0, tagged: [100, 200])])
        let (seven, three) = (Place(node: "a", port: 7), Place(node: "b", port: 3))
        #expect(leaks.contains(Leak(from: seven, tags: [VLANTag(0), VLANTag(200)], to: three)))
        // Only frames with two tags do so, of which the outer one is the trunk's untagged network.
        #expect(leaks.allSatisfy { $0.tags.count > 1 && $0.tags[0].identifier == 0 && $0.from.node != $0.to.node })
    }
}
