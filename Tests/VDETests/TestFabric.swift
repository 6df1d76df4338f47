import LabEvents

@testable import VDE

/// Two switches, `a` and `b`, with a program each, trunks between ports of the same number, and a host port at some ports of both.
struct TestFabric {
    /// A port of one of the switches.
    struct Place: Hashable, Comparable, CustomStringConvertible {
        var node: String
        var port: Int
        var description: String { "\(node)\(port)" }
        static func < (one: Place, other: Place) -> Bool { (one.node, one.port) < (other.node, other.port) }
    }

    var switches: [String: VDESwitch] = [:]
    var ports: [Place: HostPort] = [:]

    static func with(
        _ program: SwitchProgram, trunks: [Int], clients: [Int], _ body: (TestFabric) async throws -> Void
    ) async throws {
        try await SwitchFolder.with { folder in
            func configuration(_ name: String) -> SwitchConfiguration {
                SwitchConfiguration(
                    name: name, socketFolder: "\(folder.path)/\(name)", managementSocket: "\(folder.path)/\(name).m", ports: 16)
            }
            try await withVDESwitch(configuration("a"), options: folder.options) { one in
                try await withVDESwitch(configuration("b"), options: folder.options) { other in
                    for vdeSwitch in [one, other] { try await vdeSwitch.apply(program) }
                    try await join(trunks, folder) {
                        let places = ["a", "b"].flatMap { node in clients.map { Place(node: node, port: $0) } }
                        try await TestFabric(switches: ["a": one, "b": other]).plug(places, body)
                    }
                }
            }
        }
    }

    private static func join(_ trunks: [Int], _ folder: SwitchFolder, _ body: () async throws -> Void) async throws {
        guard let port = trunks.first else { return try await body() }
        let ends = ["a", "b"].map { LinkEnd.segment("\(folder.path)/\($0)", port: port) }
        try await withCable("t\(port)", from: ends[0], to: ends[1], seed: 1) { _ in
            try await join(Array(trunks.dropFirst()), folder, body)
        }
    }

    private func plug(_ places: [Place], _ body: (TestFabric) async throws -> Void) async throws {
        guard let place = places.first, let vdeSwitch = switches[place.node] else { return try await body(self) }
        try await vdeSwitch.withHostPort(place.port) { port in
            var fabric = self
            fabric.ports[place] = port
            try await fabric.plug(Array(places.dropFirst()), body)
        }
    }
}

extension VDESwitch {
    /// Plugs into several ports.
    func withHostPorts(
        _ ports: [Int], opened: [Int: HostPort] = [:], _ body: ([Int: HostPort]) async throws -> Void
    ) async throws {
        guard let number = ports.first else { return try await body(opened) }
        try await withHostPort(number) { port in
            try await withHostPorts(Array(ports.dropFirst()), opened: opened.merging([number: port]) { _, new in new }, body)
        }
    }
}

extension HostPort {
    /// The next frame; nil when there will be none.
    func next() async throws -> EthernetFrame? {
        for try await frame in frames { return frame }
        return nil
    }

    /// Sends a frame that a number tells from others.
    func send(_ number: UInt8, tags: [VLANTag] = [], to destination: MACAddress = EthernetFrame.broadcast) async throws {
        try await send(.numbered(number, from: UInt8(port), tags: tags, to: destination))
    }
}

extension EthernetFrame {
    /// A frame with 100 bytes of one value, from 02:00:00:00:00:XX.
    static func numbered(
        _ number: UInt8, from source: UInt8, tags: [VLANTag] = [], to destination: MACAddress = EthernetFrame.broadcast
    ) -> EthernetFrame {
        EthernetFrame(
            destination: destination, source: MACAddress(bytes: [2, 0, 0, 0, 0, source]), tags: tags, ethertype: 0x88B5,
            payload: [UInt8](repeating: number, count: 100))
    }
}
