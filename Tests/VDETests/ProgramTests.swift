import LabEvents
import Testing

@testable import VDE

@Suite("Programs of a switch", .tier(.contract), .timeLimit(.minutes(5))) struct ProgramTests {
    typealias Port = SwitchProgram.Port

    private static let first = SwitchProgram(ports: [
        Port(1, untagged: 100), Port(2, untagged: nil, tagged: [100, 200]), Port(3, untagged: 100, tagged: [200]), Port(4, untagged: 0),
    ])

    @Test(arguments: [
        SwitchProgram(ports: []),
        first,
        // Every port moves: from access to trunk and back, out of the plain network and into it.
        SwitchProgram(ports: [
            Port(1, untagged: nil, tagged: [100]), Port(2, untagged: 200), Port(3, untagged: 0, tagged: [100]),
            Port(4, untagged: 300, tagged: [100]), Port(5, untagged: 0),
        ]),
        SwitchProgram(ports: [Port(2, untagged: 100, tagged: [200]), Port(3, untagged: 200, tagged: [100])]),
        SwitchProgram(ports: [Port(1, untagged: 4093, tagged: Array(1...40)), Port(8, untagged: 1)]),
    ]) func `a switch carries what its program says, from any state, with clients or without`(_ program: SwitchProgram) async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.withHostPort(3) { _ in
                for next in [program, Self.first, program, program] {
                    try await vdeSwitch.apply(next)
                    try await vdeSwitch.check(next)
                    #expect(try await vdeSwitch.vlans().map(\.vlan) == [0] + next.vlans)
                    let ports = try await vdeSwitch.ports()
                    #expect(ports.map(\.number) == Array(0...8))
                    for port in ports {
                        #expect(port.untaggedVLAN == next.ports.first { $0.number == port.number }?.untagged, "\(port.number)")
                    }
                }
            }
        }
    }

    @Test func `a switch is programmed before its first client, also one that has waited for it`() async throws {
        try await SwitchFolder.with { folder in
            let configuration = folder.configuration()
            let ends = [1, 2].map { LinkEnd.segment(configuration.socketFolder, port: $0) }
            // Its ends look for a switch all the time.
            let joined = EventHistory<Cable>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await withCable("c", from: ends[0], to: ends[1], seed: 1, openLimit: .seconds(60)) { cable in
                        joined.append(cable)
                        while !Task.isCancelled { try await Task.sleep(for: .seconds(60)) }
                    }
                }
                for _ in 0..<30 {
                    try await withVDESwitch(configuration, program: Self.first, options: folder.options) { vdeSwitch in
                        #expect(
                            try await vdeSwitch.ports().allSatisfy { port in
                                port.number == 0 || port.untaggedVLAN == Self.first.ports.first { $0.number == port.number }?.untagged
                            })
                        #expect(try await vdeSwitch.vlans().map(\.vlan) == [0] + Self.first.vlans)
                        // The cable may join at any moment of it.
                        try await vdeSwitch.apply(Self.first)
                        for await cable in joined {
                            while cable.changes.snapshot.last?.change == .switchGone { try await Task.sleep(for: .milliseconds(1)) }
                            break
                        }
                        while try await vdeSwitch.ports().count(where: \.isActive) < 2 {}
                    }
                }
                group.cancelAll()
            }
        }
    }

    @Test func `every difference is listed`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.apply(Self.first)
            try await vdeSwitch.createVLAN(300)
            try await vdeSwitch.addPort(3, toVLAN: 300)
            try await vdeSwitch.removePort(3, fromVLAN: 200)
            try await vdeSwitch.setAccessVLAN(port: 4, vlan: 100)
            try await vdeSwitch.dropUntagged(port: 1)
            try await vdeSwitch.removePort(8)
            let problem = await #expect(throws: Problem.self) { try await vdeSwitch.check(Self.first) }
            #expect(problem?.kind == .failure)
            #expect(
                problem?.why == """
                    port 1: frames without a tag dropped instead of in VLAN 100
                    port 3: VLAN 200 missing; VLAN 300 unexpected
                    port 4: frames without a tag in VLAN 100 instead of in the plain network
                    port 8: frames without a tag in the plain network instead of dropped
                    """)
            try await vdeSwitch.apply(Self.first)
            try await vdeSwitch.check(Self.first)
        }
    }

    @Test(arguments: [
        SwitchProgram(ports: [Port(9, untagged: 0)]), SwitchProgram(ports: [Port(0, untagged: 0)]),
        SwitchProgram(ports: [Port(1, untagged: 0), Port(1, untagged: 0)]), SwitchProgram(ports: [Port(1, untagged: 4094)]),
        SwitchProgram(ports: [Port(1, untagged: nil, tagged: [0])]), SwitchProgram(ports: [Port(1, untagged: 7, tagged: [7])]),
        SwitchProgram(ports: [Port(1, untagged: nil, tagged: [7, 7])]),
    ]) func `a program that cannot be is refused`(_ program: SwitchProgram) {
        let problem = #expect(throws: Problem.self) { try program.validate(portCount: 8) }
        #expect(problem?.kind == .invalidInput)
    }

    @Test func `a port that is not named carries nothing, nor does port 0`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.apply(SwitchProgram(ports: [Port(1, untagged: 0), Port(2, untagged: 0)]))
            try await vdeSwitch.holdPortZero {
                try await vdeSwitch.withHostPort(5) { spare in
                    try await vdeSwitch.withHostPort(1) { one in
                        try await vdeSwitch.withHostPort(2) { other in
                            try await spare.send(1)
                            while try await vdeSwitch.counters(port: 5).packetsIn < 1 {}
                            try await one.send(2)
                            #expect(try await other.next() == .numbered(2, from: 1))
                            for entry in try await vdeSwitch.ports() where [0, 5].contains(entry.number) {
                                #expect(entry.isActive)
                                #expect(entry.counters.packetsOut == 0)
                            }
                        }
                    }
                }
            }
        }
    }
}
