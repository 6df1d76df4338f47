import Foundation
import Glibc
import LabEvents
import Testing

@testable import VDE

@Suite("Managing a switch", .tier(.contract)) struct ManagementTests {
    @Test func `VLANs and ports are made, shown and removed`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            #expect(try await vdeSwitch.vlans() == [VLANTableEntry(vlan: 0, members: [])])
            for vlan in [SwitchConfiguration.vlans.lowerBound, 200, SwitchConfiguration.vlans.upperBound] {
                try await vdeSwitch.createVLAN(vlan)
            }
            for port in [1, 4, 8] { try await vdeSwitch.createPort(port) }
            try await vdeSwitch.addPort(8, toVLAN: 200)
            try await vdeSwitch.setAccessVLAN(port: 4, vlan: 200)
            try await vdeSwitch.dropUntagged(port: 1)
            #expect(try await vdeSwitch.vlans().map(\.vlan) == [0, 1, 200, 4093])
            #expect(
                try await vdeSwitch.vlans().first { $0.vlan == 200 }?.members == [
                    .init(port: 4, isTagged: false, isActive: false, status: .learning),
                    .init(port: 8, isTagged: true, isActive: false, status: .learning),
                ])
            let ports = try await vdeSwitch.ports()
            #expect(ports.map(\.number) == [1, 4, 8])
            #expect(ports.map(\.untaggedVLAN) == [nil, 200, 0])
            #expect(ports.allSatisfy { !$0.isActive && !$0.isAllocatable && $0.endpoints.isEmpty })

            try await vdeSwitch.setAccessVLAN(port: 4, vlan: 0)
            try await vdeSwitch.removePort(8, fromVLAN: 200)
            #expect(try await vdeSwitch.vlans().first { $0.vlan == 200 }?.members == [])
            try await vdeSwitch.removeVLAN(200)
            try await vdeSwitch.removePort(4)
            #expect(try await vdeSwitch.vlans().map(\.vlan) == [0, 1, 4093])
            #expect(try await vdeSwitch.ports().map(\.number) == [1, 8])
        }
    }

    struct Refusal: Sendable {
        var call: @Sendable (VDESwitch) async throws -> Void
        var kind = Problem.Kind.failure
        /// What the problem says, in any of its lines.
        var words: [String]
    }

    @Test func `a refusal says what was asked, what the switch said and what to do`() async throws {
        let refusals = [
            Refusal(call: { try await $0.createVLAN(4094) }, kind: .invalidInput, words: ["create VLAN 4094", "1 to 4093"]),
            Refusal(call: { try await $0.createVLAN(0) }, kind: .invalidInput, words: ["create VLAN 0"]),
            Refusal(call: { try await $0.setAccessVLAN(port: 1, vlan: 4095) }, kind: .invalidInput, words: ["1 to 4093"]),
            Refusal(call: { try await $0.createPort(9) }, kind: .invalidInput, words: ["no port 9", "1 to 8"]),
            Refusal(call: { try await $0.createPort(0) }, kind: .invalidInput, words: ["no port 0"]),
            Refusal(call: { _ = try await $0.counters(port: 9) }, kind: .invalidInput, words: ["counters of port 9"]),
            Refusal(call: { try await $0.createVLAN(200) }, words: ["vlan/create 200", "1017 File exists", "the VLAN exists"]),
            Refusal(call: { try await $0.createPort(4) }, words: ["1017 File exists", "the port exists"]),
            Refusal(
                call: { try await $0.addPort(5, toVLAN: 200) }, words: ["add port 5 to VLAN 200", "1006", "make the VLAN and the port"]),
            Refusal(call: { try await $0.setAccessVLAN(port: 4, vlan: 7) }, words: ["access port of VLAN 7", "1006"]),
            Refusal(call: { _ = try await $0.counters(port: 5) }, words: ["1006"]),
            Refusal(call: { try await $0.removeVLAN(200) }, words: ["1098", "take the VLAN's ports out"]),
            Refusal(call: { try await $0.removePort(4, fromVLAN: 200) }, words: ["1098", "setAccessVLAN"]),
            Refusal(call: { try await $0.removePort(3) }, words: ["1098", "end the port's client"]),
            Refusal(
                call: { _ = try await $0.ask("vlan/create 5000", to: "try") }, words: ["1022 Invalid argument", "1 to 4093", "1 to 8"]),
            Refusal(call: { _ = try await $0.ask("nonsense", to: "try") }, words: ["1038", "2.3.2"]),
        ]
        try await SwitchFolder.with { folder in
            try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                try await vdeSwitch.withHostPort(3) { _ in
                    try await vdeSwitch.createVLAN(200)
                    try await vdeSwitch.createPort(4)
                    try await vdeSwitch.setAccessVLAN(port: 4, vlan: 200)
                    let before = try await vdeSwitch.vlans()
                    for refusal in refusals {
                        let problem = await #expect(throws: Problem.self) { try await refusal.call(vdeSwitch) }
                        #expect(problem?.kind == refusal.kind)
                        for word in refusal.words + ["switch lan"] {
                            #expect(problem?.description.contains(word) == true, "\(refusal.words)")
                        }
                        #expect(problem?.remedy != nil)
                    }
                    #expect(try await vdeSwitch.vlans() == before)
                }
            }
        }
    }

    @Test func `many callers at once each get their own answer`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for vlan in 1...200 {
                    group.addTask {
                        try await vdeSwitch.createVLAN(vlan)
                        #expect(try await vdeSwitch.vlans().contains { $0.vlan == vlan })
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await vdeSwitch.vlans().count == 201)
        }
    }

    @Test func `a full table arrives whole`() async throws {
        try await SwitchFolder.withSwitch(ports: SwitchConfiguration.portLimit) { vdeSwitch in
            for port in 1...SwitchConfiguration.portLimit { try await vdeSwitch.createPort(port) }
            #expect(try await vdeSwitch.ports().map(\.number) == Array(1...SwitchConfiguration.portLimit))
        }
    }

    @Test func `a broken connection is made anew`() async throws {
        try await SwitchFolder.withSwitch { vdeSwitch in
            try await vdeSwitch.createVLAN(1)
            for vlan in 2...5 {
                await vdeSwitch.breakConnection()
                try await vdeSwitch.createVLAN(vlan)
            }
            #expect(try await vdeSwitch.vlans().map(\.vlan) == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `a killed switch ends every call and wait at once, and names the signal`() async throws {
        // No call's own limit ends it within the test's.
        try await SwitchFolder.withSwitch(callLimit: .seconds(600)) { vdeSwitch in
            // Standing still, it answers none of them before its end.
            vdeSwitch.process.signal(SIGSTOP)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for vlan in 1...4 {
                    group.addTask {
                        let problem = await #expect(throws: Problem.self) { try await vdeSwitch.createVLAN(vlan) }
                        #expect(problem?.key == .switchDied)
                        #expect(problem?.kind == .environment)
                        #expect(problem?.what.contains("switch lan is gone") == true)
                        #expect(problem?.why?.contains("SIGKILL") == true)
                    }
                }
                for _ in 1...3 { group.addTask { #expect(await vdeSwitch.waitForExit() == .signalled(SIGKILL)) } }
                group.addTask { vdeSwitch.process.signal(SIGKILL) }
                try await group.waitForAll()
            }
            #expect(!vdeSwitch.isRunning)
            let later = await #expect(throws: Problem.self) { _ = try await vdeSwitch.vlans() }
            #expect(later?.key == .switchDied)
        }
    }

    @Test func `a switch that stands still is told after the call's limit, and a cancelled call ends at once`() async throws {
        try await SwitchFolder.with { folder in
            var options = folder.options
            options.callLimit = .milliseconds(50)
            try await withVDESwitch(folder.configuration(), options: options) { vdeSwitch in
                vdeSwitch.process.signal(SIGSTOP)
                let problem = await #expect(throws: Problem.self) { try await vdeSwitch.createVLAN(1) }
                #expect(problem?.why?.contains("waited 0.05 seconds for the answer to 'vlan/create 1'; the process runs") == true)
                vdeSwitch.process.signal(SIGCONT)
            }
            try await withVDESwitch(folder.configuration(), options: folder.options) { vdeSwitch in
                vdeSwitch.process.signal(SIGSTOP)
                await withTaskGroup(of: Problem?.self) { group in
                    group.addTask { await #expect(throws: Problem.self) { try await vdeSwitch.createVLAN(1) } }
                    group.cancelAll()
                    for await problem in group { #expect(problem?.why?.contains("cancelled") == true) }
                }
                vdeSwitch.process.signal(SIGCONT)
                // The answer of the cancelled call, if it was sent, is not this one's.
                let vlans = try await vdeSwitch.vlans()
                #expect(vlans.first?.vlan == 0)
            }
        }
    }

    @Test func `after the scope a call says so`() async throws {
        try await SwitchFolder.with { folder in
            let vdeSwitch = try await withVDESwitch(folder.configuration(), options: folder.options) { $0 }
            let problem = await #expect(throws: Problem.self) { try await vdeSwitch.createVLAN(1) }
            #expect(problem?.why?.contains("scope was left") == true)
            #expect(problem?.key == nil)
        }
    }
}
