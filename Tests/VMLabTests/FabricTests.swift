import Foundation
import LabEvents
import NetworkProfiles
import Testing
import VDE

@testable import VMLab

/// The switches of each profile as the lab makes them, without guests: every kind of frame is injected at every port, and everything that comes out of every
/// other port is compared with what the plan says.
///
/// That nothing more comes is known by counting. A switch works on one frame at a time, so once it has counted the frames in, its counts of what went out
/// are final; what went out to a trunk must be counted in at the other end before that switch's counts are.
@Suite("The fabric of profiles", .tier(.contract), .serialized, .timeLimit(.minutes(5)))
struct FabricTests {
    private static let kinds: [[VLANTag]] =
        [[], [VLANTag(100, priority: 5)], [VLANTag(200, isDropEligible: true)], [VLANTag(0, priority: 7)]]
        + [100, 200, 201, 300, 4095].map { [VLANTag($0)] }
        + [(100, 200), (200, 100), (0, 100), (0, 200), (201, 100), (300, 200), (4095, 100)].map { [VLANTag($0), VLANTag($1)] }
        + [[VLANTag(100, ethertype: VLANTag.service)], [VLANTag(100, ethertype: VLANTag.service), VLANTag(200)]]

    private static let folder =
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path + "/profiles"

    /// One switch with a port of each kind, which no shipped profile has.
    private static let kindsOfPorts = NetworkProfile(
        name: "ports", summary: "A port of each kind.", networks: [], segments: ["lan"],
        interfaces: .init(nics: [
            .init(name: "eth1", segment: "lan", port: .trunk([100, 200])), .init(name: "eth2", segment: "lan", port: .access(200)),
            .init(name: "eth3", segment: "lan", port: .access(100)), .init(name: "eth4", segment: "lan", port: .trunk([200])),
            .init(name: "eth5", segment: "lan"),
        ]), roles: [.init(name: "node", hosts: 1...2)])

    /// Two switches whose trunk carries VLANs and the plain network: a second tag must not lead from the one into the others.
    private static let joined: NetworkProfile = {
        func cards(_ segment: String) -> NetworkProfile.Interfaces {
            .init(nics: [
                .init(name: "eth1", segment: segment, port: .trunk([100, 200])), .init(name: "eth2", segment: segment),
                .init(name: "eth3", segment: segment, port: .access(200)), .init(name: "eth4", segment: segment, port: .access(100)),
            ])
        }
        return NetworkProfile(
            name: "joined", summary: "Two switches.", networks: [], segments: ["a", "b"],
            trunks: [.init(name: "uplink", segments: ["a", "b"], vlans: [100, 200], untagged: true)],
            roles: [.init(name: "left", hosts: 1...1, interfaces: cards("a")), .init(name: "right", hosts: 2...2, interfaces: cards("b"))])
    }()

    @Test(
        "Every frame comes out where the plan says, with the tags it says, and nowhere else",
        arguments: [
            "simple", "vlans", "bonding-vlans", "dhcp-simple", "vlans-broken", "bonding-two-switches", "lacp-vlans", "dual-stack", "ports",
            "joined",
        ])
    func exact(_ name: String) async throws {
        let made = [Self.kindsOfPorts, Self.joined].first { $0.name == name }
        let profile = try made ?? NetworkProfile.load("\(Self.folder)/\(name).yaml")
        let network = try profile.plan(lab: "fabric")
        let plan = try LabPlan.make(
            scenario: "fabric", topology: Topology(network) { .init(name: $0.name, image: "mini", memoryMiB: 128) },
            images: PlanFixtures.images, host: PlanFixtures.host(4), seed: 1)
        let state = FileManager.default.temporaryDirectory.path + "/vmlab-fabric-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: state) }
        let (run, lock) = try RunDirectory.make(state: state)
        defer { lock.release() }
        let log = EventLog(run: run.identifier, redactor: Redactor())
        try await withLab(plan, images: [:], in: run, options: LabOptions(events: log, redactor: Redactor(), pace: 1)) { lab in
            let places = network.segments.flatMap { segment in
                segment.ports.compactMap { port -> PortReference? in
                    guard case .nic = port.peer else { return nil }
                    return PortReference(segment: segment.name, number: port.number)
                }
            }
            try await Self.plugged(places[...], lab, [:]) { ports in
                for place in places { try await Self.compare(from: place, ports, lab, network) }
            }
            for segment in lab.segments { try await segment.check() }
        }
    }

    /// Plugs the host into every port, one inside the other.
    private static func plugged(
        _ places: ArraySlice<PortReference>, _ lab: Lab, _ ports: [PortReference: HostPort],
        _ body: ([PortReference: HostPort]) async throws -> Void
    ) async throws {
        guard let place = places.first else { return try await body(ports) }
        let segment = try #require(lab.segments.first { $0.name == place.segment })
        try await segment.vdeSwitch().withHostPort(place.number) { port in
            try await plugged(places.dropFirst(), lab, ports.merging([place: port]) { $1 }, body)
        }
    }

    private static func compare(
        from place: PortReference, _ ports: [PortReference: HostPort], _ lab: Lab, _ network: NetworkPlan
    ) async throws {
        let before = try await counters(lab)
        for (kind, tags) in kinds.enumerated() {
            try await ports[place]?.send(
                EthernetFrame(
                    destination: EthernetFrame.broadcast,
                    source: #require(MACAddress("02:00:00:00:00:\(place.number < 10 ? "0" : "")\(place.number)")),
                    tags: tags, ethertype: 0x88B5, payload: [UInt8(kind)] + [UInt8](repeating: 0xA5, count: 60)))
        }
        let after = try await settled(from: place, before, lab, network)
        for (other, port) in ports where other != place {
            let expected = kinds.enumerated().compactMap { kind, tags in Self.expected(kind, tags, from: place, to: other, network) }
            let count = (after[other] ?? 0) - (before.out[other] ?? 0)
            var seen: [Sighting] = []
            var frames = port.frames.makeAsyncIterator()
            for _ in 0..<count {
                let frame = try #require(try await frames.next())
                seen.append(Sighting(kind: Int(frame.payload.first ?? 255), tags: frame.tags))
            }
            // What comes over one cable may overtake what comes over another.
            seen.sort { $0.kind < $1.kind }
            #expect(seen == expected, "\(network.profile): from \(place) to \(other)")
            #expect(port.lostFrames == 0)
            // The statement itself, whatever the model says: a frame that is in VLAN 100 leaves by no port that carries only others.
            let carries = network.segments.first { $0.name == other.segment }?.ports.first { $0.number == other.number }?.vlans
            for sighting in seen
            where kinds[sighting.kind].first?.identifier == 100 && kinds[sighting.kind].first?.ethertype == VLANTag.customer {
                #expect(carries?.vlans.contains(100) == true, "a frame of VLAN 100 came out at \(other)")
            }
        }
    }

    private struct Sighting: Equatable {
        var kind: Int
        var tags: [VLANTag]
    }

    /// What a frame looks like at a port; nil where it does not come. Only the outer tag says where a frame belongs, and a port that takes it off leaves
    /// the others as they are. A service tag is payload to these switches.
    private static func expected(
        _ kind: Int, _ tags: [VLANTag], from: PortReference, to: PortReference, _ network: NetworkPlan
    ) -> Sighting? {
        let outer = tags.first.flatMap { $0.ethertype == VLANTag.customer ? $0 : nil }
        // The plain network's cable to the other switch takes the outer tag off, and that switch drops what is tagged then.
        if from.segment != to.segment, outer?.identifier == 0, tags.count > 1 { return nil }
        guard let left = network.delivery(from: from, tag: outer?.identifier)[to] else { return nil }
        let inner = outer == nil ? tags : Array(tags.dropFirst())
        guard let left else { return Sighting(kind: kind, tags: inner) }
        return Sighting(kind: kind, tags: [outer ?? VLANTag(left)] + inner)
    }

    private static func counters(_ lab: Lab) async throws -> (in: [PortReference: Int], out: [PortReference: Int]) {
        var (input, output): ([PortReference: Int], [PortReference: Int]) = ([:], [:])
        for segment in lab.segments {
            for port in try await segment.vdeSwitch().ports() {
                let place = PortReference(segment: segment.name, number: port.number)
                (input[place], output[place]) = (port.counters.packetsIn, port.counters.packetsOut)
            }
        }
        return (input, output)
    }

    /// Waits until both ends of everything have counted what was sent.
    private static func settled(
        from place: PortReference, _ before: (in: [PortReference: Int], out: [PortReference: Int]), _ lab: Lab, _ network: NetworkPlan
    ) async throws -> [PortReference: Int] {
        while true {
            let now = try await counters(lab)
            let isTaken = (now.in[place] ?? 0) - (before.in[place] ?? 0) == kinds.count
            let isThrough = network.trunks.allSatisfy { trunk in
                [(trunk.first, trunk.second), (trunk.second, trunk.first)].allSatisfy { one, other in
                    (now.out[one] ?? 0) - (before.out[one] ?? 0) == (now.in[other] ?? 0) - (before.in[other] ?? 0)
                }
            }
            // Read once more: the counts of one switch were read before the other's.
            if isTaken, isThrough { return try await counters(lab).out }
        }
    }
}
