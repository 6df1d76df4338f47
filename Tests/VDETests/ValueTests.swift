import LabEvents
import Testing

@testable import VDE

@Suite("A switch's values", .tier(.unit)) struct ValueTests {
    private let sample = SwitchConfiguration(name: "lan", socketFolder: "/run/v/lan", managementSocket: "/run/v/lan.m", ports: 12)

    @Test func `the arguments are these`() throws {
        try sample.validate()
        #expect(
            sample.arguments() == [
                "-s", "/run/v/lan", "-m", "0600", "--dirmode", "0700", "-M", "/run/v/lan.m", "--mgmtmode", "0600", "-n", "13", "-f",
                "/dev/null",
            ])
    }

    struct Refusal: Sendable {
        var text: String
        var change: @Sendable (inout SwitchConfiguration) -> Void
    }

    @Test(arguments: [
        Refusal(text: "has 0 ports") { $0.ports = 0 },
        Refusal(text: "has 256 ports") { $0.ports = 256 },
        Refusal(text: "relative") { $0.socketFolder = "lan" },
        Refusal(text: "bracket") { $0.socketFolder = "/run/lan[1]" },
        Refusal(text: "comma") { $0.managementSocket = "/run/a,b" },
        Refusal(text: "control") { $0.managementSocket = "/run/a\nb" },
        Refusal(text: "it has 93 bytes") { $0.socketFolder = "/" + String(repeating: "x", count: 92) },
        Refusal(text: "it has 108 bytes") { $0.managementSocket = "/" + String(repeating: "x", count: 107) },
    ]) func `what vde_switch would cut off or misunderstand is refused`(_ refusal: Refusal) throws {
        var configuration = sample
        refusal.change(&configuration)
        let problem = #expect(throws: Problem.self) { try configuration.validate() }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.description.contains(refusal.text) == true)
        #expect(problem?.remedy != nil)
    }

    @Test func `the longest paths pass`() throws {
        var configuration = sample
        configuration.socketFolder = "/" + String(repeating: "x", count: 91)
        configuration.managementSocket = "/" + String(repeating: "x", count: 106)
        configuration.ports = SwitchConfiguration.portLimit
        try configuration.validate()
    }

    @Test func `tables are read`() throws {
        #expect(
            try VLANTableEntry.table([
                "VLAN 0000", " -- Port 0001 tagged=0 active=0 status=Learning", "VLAN 0200",
                " -- Port 0004 tagged=0 active=1 status=Forwarding", " -- Port 0008 tagged=1 active=1 status=Discarding",
            ]) == [
                VLANTableEntry(vlan: 0, members: [.init(port: 1, isTagged: false, isActive: false, status: .learning)]),
                VLANTableEntry(
                    vlan: 200,
                    members: [
                        .init(port: 4, isTagged: false, isActive: true, status: .forwarding),
                        .init(port: 8, isTagged: true, isActive: true, status: .discarding),
                    ]),
            ])
        #expect(
            try PortTableEntry.table([
                "Port 0003 untagged_vlan=0200 ACTIVE - Unnamed Allocatable",
                " Current User: root Access Control: (User: NONE - Group: NONE)",
                " IN:  pkts          1          bytes                  114", " OUT: pkts 12345678901          bytes        9876543210123",
                "  -- endpoint ID 0006 module unix prog   : a: b", "and a second line",
                "Port 0004 untagged_vlan=4095 INACTIVE - NOT Unnamed Allocatable",
                " Current User: NONE Access Control: (User: NONE - Group: NONE)",
                " IN:  pkts          0          bytes                    0", " OUT: pkts          0          bytes                    0",
            ]) == [
                PortTableEntry(
                    number: 3, untaggedVLAN: 200, isActive: true, isAllocatable: true,
                    counters: PortCounters(packetsIn: 1, bytesIn: 114, packetsOut: 12_345_678_901, bytesOut: 9_876_543_210_123),
                    endpoints: [.init(identifier: 6, description: "a: b")]),
                PortTableEntry(
                    number: 4, untaggedVLAN: nil, isActive: false, isAllocatable: false,
                    counters: PortCounters(packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0), endpoints: []),
            ])
        #expect(
            try LearnedAddress.table(["Hash: 0032 Addr: 02:00:00:00:00:04 VLAN 0200 to port: 004  age 17 secs"])
                == [LearnedAddress(address: "02:00:00:00:00:04", vlan: 200, port: 4, age: 17)])
    }

    @Test func `a line of another form is an error that shows it`() {
        let port = "Port 0003 untagged_vlan=0200 ACTIVE - Unnamed Allocatable"
        for lines in [["nonsense"], ["Port x untagged_vlan=0"], ["Port 1"], [port, " IN:  pkts"], [port, "  -- endpoint ID x"]] {
            #expect(throws: TableError(line: lines.last ?? "")) { try PortTableEntry.table(lines) }
        }
        for lines in [["VLAN"], ["VLAN x"], [" -- Port 0001 tagged=0 active=0 status=Learning"], ["VLAN 1", " -- Port 0001 tagged=0"]] {
            #expect(throws: TableError(line: lines.last ?? "")) { try VLANTableEntry.table(lines) }
        }
        for line in ["", "Hash: 1", "Hash: 1 Addr: 02:00 VLAN -1 to port: 1 age 1", "Hash: 1 Addr: x VLAN 1 to port: 1 age"] {
            #expect(throws: TableError(line: line)) { try LearnedAddress.table([line]) }
        }
    }
}
