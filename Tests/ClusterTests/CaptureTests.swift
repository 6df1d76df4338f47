import Foundation
import Glibc
import LabEvents
import Testing
import VMLab

/// Captures of labs with real guests.
@Suite("Captures", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct CaptureTests {
    /// A lab of two nodes, and how `server-2` reaches `server-1`.
    private static func with(
        _ more: [String] = [], _ body: (_ command: CommandLine, _ run: String, _ address: String) async throws -> Void
    ) async throws {
        try await CommandLine.with { command in
            let started = try await command.run(["run", "many-nodes", "--nodes", "2", "--profile", "simple", "--keep"] + more)
            try #require(started.code == 0, "\(started.stderr)")
            let address = try await command.succeed(
                "execute", started.run, "server-1", "--", "ip -4 -o addr show dev eth1 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'")
            try await body(command, started.run, address.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    private static func report(_ text: String) throws -> CaptureReport {
        try JSONDecoder().decode(CaptureReport.self, from: Data(text.utf8))
    }

    /// ARP, a ping and a TCP connection from `server-2` to `server-1`.
    private static func talk(_ command: CommandLine, _ run: String, _ address: String) async throws {
        try await command.succeed("execute", run, "server-1", "--", "nc -lp 7000 >/dev/null 2>&1 </dev/null & sleep 0.3")
        try await command.succeed(
            "execute", run, "server-2", "--",
            "ip neigh flush all 2>/dev/null; ping -c 2 \(address) && bash -c 'echo x >/dev/tcp/\(address)/7000'")
    }

    private static func expectTalk(_ file: Pcapng, _ interface: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(!file.on(interface) { $0.echo == "request" }.isEmpty, sourceLocation: sourceLocation)
        #expect(!file.on(interface) { $0.echo == "reply" }.isEmpty, sourceLocation: sourceLocation)
        let connection = file.on(interface) { $0.tcp.map { $0.to == 7000 || $0.from == 7000 } ?? false }.compactMap(\.tcp)
        // SYN, SYN and ACK, ACK.
        #expect(connection.prefix(3).map { $0.flags & 0x12 } == [0x02, 0x12, 0x10], sourceLocation: sourceLocation)
        #expect(connection.first?.to == 7000, sourceLocation: sourceLocation)
    }

    @Test("A card and a segment, started and stopped live: ARP, echo, a TCP connection, in their order, under the cards' names")
    func live() async throws {
        try await Self.with { command, run, address in
            try await command.succeed("net", "capture", "start", run, "server-1.eth1", "--name", "card")
            let begun = try Self.report(await command.succeed("net", "capture", "start", run, "lan", "--json"))
            #expect(begun.state == .running && begun.name == "lan")
            #expect(begun.interfaces == ["server-1.eth1", "server-2.eth1"])
            let before = Date()
            try await Self.talk(command, run, address)
            let after = Date()
            let segment = try Self.report(await command.succeed("net", "capture", "stop", run, "lan", "--json"))
            #expect(segment.state == .finished && segment.notes == [] && segment.file.hasSuffix("/network/capture-lan.pcapng"))
            // The other one goes on.
            try await command.succeed("execute", run, "server-2", "--", "ping -c 1 -s 1000 \(address)")
            #expect(try await command.succeed("net", "capture", "stop", run).contains("/network/capture-card.pcapng"))

            let both = try Pcapng(segment.file)
            #expect(both.interfaces == ["server-1.eth1", "server-2.eth1"])
            #expect(both.frames.count == segment.frames)
            for interface in both.interfaces { Self.expectTalk(both, interface) }
            #expect(both.frames.map(\.time) == both.frames.map(\.time).sorted())
            // Each frame is there twice, at nearly the same time: the clocks of two machines are one.
            for frame in both.frames where frame.echo != nil {
                let same = both.frames.filter { $0.bytes == frame.bytes }
                #expect(Set(same.map(\.interface)) == ["server-1.eth1", "server-2.eth1"])
                let times = same.map(\.time)
                #expect((times.max() ?? 0) - (times.min() ?? 0) < 200_000_000)
            }
            let (first, last) = (try #require(both.frames.first { $0.echo != nil }), try #require(both.frames.last { $0.echo != nil }))
            #expect(Double(first.time) / 1e9 > before.timeIntervalSince1970 - 0.1)
            #expect(Double(last.time) / 1e9 < after.timeIntervalSince1970 + 0.1)
            #expect(!both.frames.contains { $0.bytes.count > 1000 }, "the ping after it was stopped")

            let card = try Pcapng(command.path(run) + "/network/capture-card.pcapng")
            #expect(card.interfaces == ["server-1.eth1"])
            Self.expectTalk(card, "server-1.eth1")
            #expect(card.frames.contains { $0.arp == "who-has" } && card.frames.contains { $0.arp == "is-at" })
            #expect(card.frames.contains { $0.bytes.count > 1000 })
            let brief = try Self.report(await command.succeed("net", "capture", run, "server-2", "--seconds", "0.2", "--json"))
            #expect(brief.state == .finished && brief.interfaces == ["server-2.eth1"])
            let left = try FileManager.default.contentsOfDirectory(atPath: command.path(run) + "/network").filter {
                $0.hasPrefix("capture")
            }
            #expect(left.sorted() == ["capture-card.pcapng", "capture-lan.pcapng", "capture-server-2.pcapng"])
        }
    }

    @Test("What cannot be captured says why, and leaves the machine alone")
    func refusals() async throws {
        try await Self.with { command, run, _ in
            let unknown = try await command.run(["net", "capture", "start", run, "server-9.eth1"])
            #expect(
                unknown.code == 2 && unknown.stderr.contains("server-1.eth1") && unknown.stderr.contains("segments lan"),
                "\(unknown.stderr)")
            let none = try await command.run(["net", "capture", "stop", run])
            #expect(none.code == 2 && none.stderr.contains("no capture runs"), "\(none.stderr)")
            try await command.succeed("net", "capture", "start", run, "lan")
            let twice = try await command.run(["net", "capture", "start", run, "lan"])
            #expect(twice.code == 2 && twice.stderr.contains("captured already"), "\(twice.stderr)")
            let taken = try await command.run(["net", "capture", "start", run, "server-1", "--name", "lan"])
            #expect(taken.code == 2 && taken.stderr.contains("there is a capture 'lan' already"), "\(taken.stderr)")
            try await command.succeed("power", run, "server-2", "powerCut")
            let off = try await command.run(["net", "capture", "start", run, "server-2.eth1"])
            #expect(off.code == 1 && off.stderr.contains("server-2 is off"), "\(off.stderr)")
            #expect(try await command.succeed("net", "capture", "list", run).contains("running"))
            #expect(try await command.succeed("execute", run, "server-1", "--", "echo alive") == "alive\n")
        }
    }

    @Test("A capture goes on over a reboot, a power cut and a takeover; the end of the lab finishes it")
    func lives() async throws {
        try await Self.with { command, run, address in
            try await command.succeed("net", "capture", "start", run, "lan")
            func ping(_ size: Int) async throws {
                try await command.succeed("net", "configure", run)
                try await command.succeed("execute", run, "server-2", "--", "ping -c 1 -s \(size) \(address)")
            }
            try await ping(100)
            try await command.succeed("power", run, "server-2", "reboot")
            try await ping(200)
            try await command.succeed("power", run, "server-2", "powerCut")
            try await command.succeed("power", run, "server-2", "start")
            try await ping(300)
            try await command.succeed("takeover", run)
            try await ping(400)
            #expect(try await command.succeed("net", "capture", "list", run).contains("running"))
            // What is there while it runs is whole files.
            let folder = command.path(run) + "/network/capture-lan"
            let parts = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(parts == ["server-1.eth1-1.pcap", "server-2.eth1-1.pcap", "server-2.eth1-2.pcap"])
            try await command.succeed("power", run, "server-1", "pause")
            try await command.succeed("power", run, "server-1", "resume")
            try await ping(500)
            try await command.succeed("down", run)
            let file = try Pcapng(command.path(run) + "/network/capture-lan.pcapng")
            for interface in ["server-1.eth1", "server-2.eth1"] {
                // Ethernet, IP and ICMP have 42 bytes of headers.
                let sizes = file.on(interface) { $0.echo == "request" && $0.bytes.count > 130 }.map { $0.bytes.count - 42 }
                #expect(sizes == [100, 200, 300, 400, 500], "\(interface)")
            }
            #expect(file.frames.map(\.time) == file.frames.map(\.time).sorted())
            #expect(access(folder, F_OK) != 0)
            let said = try command.events(run).compactMap { $0["text"] as? String }.filter { $0.contains("capture-lan.pcapng") }
            #expect(said.count == 1)
        }
    }

    @Test("A killed owner leaves files that can be read")
    func killed() async throws {
        try await Self.with { command, run, address in
            try await command.succeed("net", "capture", "start", run, "lan")
            try await Self.talk(command, run, address)
            let status = try command.events(run).last { $0["type"] as? String == "runStarted" }
            let owner = try #require(status?["owner"] as? Int)
            kill(Int32(owner), SIGKILL)
            let folder = command.path(run) + "/network/capture-lan"
            for node in ["server-1", "server-2"] {
                let bytes = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(node).eth1-1.pcap")))
                #expect(bytes.count > 24 + 4 * 58 && bytes.starts(with: [0xD4, 0xC3, 0xB2, 0xA1]))
            }
        }
    }

    @Test("Around one phase the file has that phase's frames, and of a whole scenario all")
    func phases() async throws {
        try await CommandLine.with { command in
            let one = try await command.run([
                "run", "many-nodes", "--nodes", "2", "--profile", "simple", "--capture", "lan", "--during", "reachability",
            ])
            try #require(one.code == 0, "\(one.stderr)")
            #expect(one.stderr.contains("/network/capture-reachability.pcapng"), "\(one.stderr)")
            let file = try Pcapng(command.path(one.run) + "/network/capture-reachability.pcapng")
            #expect(file.interfaces == ["server-1.eth1", "server-2.eth1"])
            #expect(file.frames.contains { $0.echo == "request" } && file.frames.contains { $0.tcp != nil })
            let phases = try command.events(one.run).filter { $0["type"] as? String == "phase" }
            let times = phases.filter { $0["phase"] as? String == "reachability" }.compactMap { $0["time"] as? String }
            try #require(times.count == 2)
            let form = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            let (begin, end) = (try form.parse(times[0]), try form.parse(times[1]))
            for frame in file.frames {
                let time = Double(frame.time) / 1e9
                #expect(time > begin.timeIntervalSince1970 - 0.1 && time < end.timeIntervalSince1970 + 0.1)
            }

            let all = try await command.run(["run", "many-nodes", "--nodes", "2", "--profile", "simple", "--capture", "server-1.eth1"])
            try #require(all.code == 0, "\(all.stderr)")
            let whole = try Pcapng(command.path(all.run) + "/network/capture-server-1.eth1.pcapng")
            #expect(whole.frames.contains { $0.echo == "request" })
            let refused = try await command.run([
                "run", "many-nodes", "--nodes", "2", "--profile", "simple", "--capture", "lan", "--during", "dance",
            ])
            #expect(refused.code == 2 && refused.stderr.contains("there is no phase 'dance'"), "\(refused.stderr)")
        }
    }
}
