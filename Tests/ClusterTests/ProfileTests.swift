import Foundation
import LabEvents
import NetworkProfiles
import Testing
import VDE
import VMLab

/// Labs on the networks of profiles.
@Suite("Networks of profiles", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct ProfileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var profile: String
        var nodes = 2
        /// Probes of all nodes, service nodes too, and how many of them must find nobody.
        var probes: Int
        var isolated = 0
        var testDescription: String { profile }
    }

    @Test(
        "Every profile boots, its guests say that all is as planned, and who reaches whom is as expected",
        arguments: [
            Case(profile: "simple", probes: 2), Case(profile: "vlans", probes: 4), Case(profile: "bonding-vlans", nodes: 3, probes: 12),
            Case(profile: "bonding-two-switches", probes: 4), Case(profile: "lacp-vlans", probes: 4),
            Case(profile: "dual-stack", probes: 4),
            // The last matrix is the one without the service node.
            Case(profile: "dhcp-simple", probes: 2), Case(profile: "vlans-broken", nodes: 4, probes: 24, isolated: 24),
        ].sampled(3))
    func matrix(_ example: Case) async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "many-nodes", "--nodes", "\(example.nodes)", "--profile", example.profile])
            #expect(outcome.code == 0, "\(outcome.stderr)")
            let matrix = try Self.matrix(command, outcome.run)
            #expect(matrix.isAsExpected)
            #expect(matrix.entries.count == example.probes)
            #expect(matrix.entries.count { !$0.probe.pair.isConnected } == example.isolated)
            for entry in matrix.entries {
                #expect(ReachabilityProbe.isContact(entry.finding) == entry.probe.pair.isConnected)
            }
            let drawing = try String(contentsOfFile: command.path(outcome.run) + "/network/topology.svg", encoding: .utf8)
            #expect(drawing.hasPrefix("<svg") || drawing.hasPrefix("<?xml"))
        }
    }

    private static func matrix(_ command: CommandLine, _ run: String) throws -> ReachabilityMatrix {
        try JSONDecoder().decode(
            ReachabilityMatrix.self, from: Data(contentsOf: URL(filePath: command.path(run) + "/network/matrix.json")))
    }

    @Test("What is changed in a guest is named, what it breaks is seen, and `net configure` repairs it; a takeover keeps the trunk")
    func faults() async throws {
        try await CommandLine.with { command in
            let started = try await command.run(["run", "many-nodes", "--nodes", "2", "--profile", "bonding-two-switches", "--keep"])
            try #require(started.code == 0, "\(started.stderr)")
            let run = started.run
            #expect(try await command.succeed("net", "show", run).contains("all as planned"))
            #expect(try await command.succeed("net", "show", run).contains("up, active eth1"))

            try await command.succeed(
                "execute", run, "server-2", "--",
                "ip addr del 192.168.100.2/24 dev bond0.100; echo eth2 >/sys/class/net/bond0/bonding/primary")
            let shown = try await command.run(["net", "show", run])
            #expect(shown.code == 1)
            #expect(shown.stdout.contains("server-2: bond0.100: 192.168.100.2/24 is missing"))
            #expect(shown.stdout.contains("server-2: bond0: active_slave is eth2 instead of eth1"))
            let tried = try await command.run(["net", "matrix", run])
            #expect(tried.code == 1)
            #expect(tried.stdout.contains("server-1 → server-2 on storage (192.168.100.2): no ARP answer"), "\(tried.stdout)")
            #expect(!tried.stdout.contains("on cluster ("), "the other network goes over the other leg, and over the trunk")
            try await command.succeed("net", "configure", run, "--node", "server-2")
            #expect(try await command.succeed("net", "matrix", run).contains("4 of 4 as expected"))

            // Cards that the guest calls otherwise find their names by their addresses.
            try await command.succeed(
                "execute", run, "server-1", "--",
                "ip link del bond0; for n in eth1 eth2; do ip link set $n down; done; ip link set eth1 name x; ip link set eth2 name eth1; ip link set x name enp0s3"
            )
            #expect(try await command.run(["net", "show", run]).stdout.contains("server-1: eth2: there is no such interface"))
            try await command.succeed("net", "configure", run)

            let frames = try await Self.trunkFrames(command, run)
            try await command.succeed("takeover", run)
            #expect(frames > 0)
            #expect(try await Self.trunkFrames(command, run) >= frames, "the trunk's counters began anew")
            #expect(try await command.succeed("net", "show", run).contains("all as planned"))
            #expect(try await command.succeed("net", "matrix", run).contains("4 of 4 as expected"))
        }
    }

    /// How many frames came from the trunk's first end since the lab began, whoever owned it.
    private static func trunkFrames(_ command: CommandLine, _ run: String) async throws -> Int {
        let text = try await command.succeed("net", "counters", run, "--json")
        let report = try JSONDecoder().decode(CableReport.self, from: Data(text.utf8))
        return try #require(report.cables.first { $0.cable == "uplink" }).counters.forward.received.frames
    }

    @Test(
        "With guests on the wire: their frames carry the VLANs 200 and 100 and nothing else, and what else is injected does not get through"
    )
    func wire() async throws {
        try await CommandLine.with { command in
            let started = try await command.run(["run", "many-nodes", "--nodes", "2", "--profile", "vlans", "--keep"])
            try #require(started.code == 0, "\(started.stderr)")
            let folder = try FileManager.default.destinationOfSymbolicLink(atPath: command.path(started.run) + "/sockets") + "/s0"
            let marker: UInt16 = 0x88B5
            let source = try #require(MACAddress("02:00:00:00:00:01"))
            // A client of a guest's port sees what the guest gets; one of another guest's port may send as that guest.
            let seen = try await withHostPort(switchFolder: folder, port: 2) { tap in
                try await withHostPort(switchFolder: folder, port: 1) { injector in
                    let matrix = try await command.succeed("net", "matrix", started.run)
                    #expect(matrix.contains("4 of 4 as expected"))
                    let kinds: [[VLANTag]] = [
                        [], [VLANTag(100)], [VLANTag(200)], [VLANTag(201)], [VLANTag(300), VLANTag(200)], [VLANTag(0)], [VLANTag(100)],
                    ]
                    for (kind, tags) in kinds.enumerated() {
                        try await injector.send(
                            EthernetFrame(
                                destination: EthernetFrame.broadcast, source: source, tags: tags, ethertype: marker,
                                payload: [UInt8(kind)] + [UInt8](repeating: 0, count: 60)))
                    }
                    var seen: [EthernetFrame] = []
                    // The last kind passes and comes in order.
                    for try await frame in tap.frames {
                        seen.append(frame)
                        if frame.ethertype == marker, frame.payload.first == UInt8(kinds.count - 1) { break }
                    }
                    return seen
                }
            }
            #expect(seen.filter { $0.ethertype == marker }.map { $0.payload.first } == [1, 2, 6])
            let guests = seen.filter { $0.ethertype != marker }
            #expect(Set(guests.map { $0.tags.map(\.identifier) }) == [[100], [200]])
            #expect(guests.contains { $0.ethertype == 0x0806 }, "ARP of the other guest was on the wire")
        }
    }

    @Test("A leak is seen: a node that is put into another's VLAN is reached although it must not be")
    func leak() async throws {
        try await CommandLine.with { command in
            let started = try await command.run(["run", "many-nodes", "--nodes", "2", "--profile", "vlans-broken", "--keep"])
            try #require(started.code == 0, "\(started.stderr)")
            try await command.succeed(
                "execute", started.run, "server-2", "--",
                "ip link del eth1.201; ip link add link eth1 name eth1.201 type vlan id 200; ip link set eth1.201 up; ip addr add 192.168.200.2/24 dev eth1.201"
            )
            let tried = try await command.run(["net", "matrix", started.run])
            #expect(tried.code == 1)
            #expect(tried.stdout.contains("LEAK"), "\(tried.stdout)")
            #expect(
                try await command.run(["net", "show", started.run]).stdout.contains("server-2: eth1.201: the VLAN is 200 instead of 201"))
        }
    }

    @Test("systemd-networkd: bonds and VLANs from files, which a reboot keeps; what is as planned is left alone")
    func networkd() async throws {
        try await CommandLine.with { command in
            let started = try await command.run([
                "run", "many-nodes", "--nodes", "2", "--profile", "bonding-vlans", "--image", "debian", "--memory", "512", "--keep",
            ])
            try #require(started.code == 0, "\(started.stderr)")
            #expect(started.stderr.contains("bonding-vlans: by networkd"))
            let machine = try await command.succeed("execute", started.run, "server-2", "--", "cat /proc/sys/kernel/random/boot_id")
            try await command.succeed("power", started.run, "server-2", "reboot")
            #expect(try await command.succeed("execute", started.run, "server-2", "--", "cat /proc/sys/kernel/random/boot_id") != machine)
            // Nothing is configured here: networkd does it while the guest boots on, and the matrix waits for it.
            #expect(try await command.succeed("net", "matrix", started.run).contains("4 of 4 as expected"))
            #expect(try await command.succeed("net", "show", started.run).contains("all as planned"))
            let files = "ls -l --time-style=full-iso /etc/systemd/network"
            let before = try await command.succeed("execute", started.run, "server-2", "--", files)
            try await command.succeed("net", "configure", started.run)
            #expect(try await command.succeed("execute", started.run, "server-2", "--", files) == before)
        }
    }
}
