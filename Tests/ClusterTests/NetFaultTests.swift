import BuildRegistry
import Foundation
import GuestShell
import LabEvents
import NetworkProfiles
import Testing
import VDE
import VMLab

/// Faults on labs with guests: that each takes effect, that it is healed whatever happens, and that the lab is then as planned.
@Suite("Faults of the network", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct NetFaultTests {
    /// One fault as a person injects it, and what a guest sees of it.
    private struct Case {
        var words: [String]
        /// Succeeds on server-1 while the fault is open.
        var during: String
        /// Succeeds on server-1 once it is healed; it may take a moment.
        var after: String
    }

    private static let ping = "ping -c 1 -W 1 192.168.200.2"
    private static func active(_ leg: String) -> String { "grep -q \(leg) /sys/class/net/bond0/bonding/active_slave" }
    private static let changes = "cat /sys/class/net/eth1/carrier_changes"

    private static let cases = [
        Case(
            words: ["cut", "server-1.eth1"], during: "\(active("eth2")) && \(ping) && [ $(cat /sys/class/net/eth1/carrier) = 0 ]",
            after: "\(active("eth1")) && \(ping)"),
        Case(words: ["cut", "server-1.bond0"], during: "! \(ping)", after: ping),
        Case(words: ["isolate", "server-1"], during: "! \(ping) && [ $(cat /sys/class/net/eth1/carrier) = 1 ]", after: ping),
        Case(words: ["partition", "server-1", "server-2"], during: "! \(ping)", after: ping),
        Case(words: ["impair", "server-1.bond0", "--loss", "100", "--way", "in"], during: "! \(ping)", after: ping),
        Case(
            words: ["fault", "flap", "server-1.eth1", "--down", "0.2", "--up", "0.2"],
            during: "a=$(\(changes)); while [ $(\(changes)) -lt $((a + 4)) ]; do sleep 0.1; done", after: "\(active("eth1")) && \(ping)"),
        Case(words: ["fault", "vlan", "server-1.eth1", "--untagged", "7"], during: "! \(ping)", after: ping),
        Case(
            words: ["fault", "freeze", "lan-a"], during: "! \(ping) && [ $(cat /sys/class/net/eth1/carrier) = 1 ]", after: ping),
        Case(
            words: ["fault", "crash", "lan-a"], during: "\(active("eth2")) && \(ping) && [ $(cat /sys/class/net/eth1/carrier) = 0 ]",
            after: "\(active("eth1")) && \(ping)"),
        Case(
            words: ["fault", "duplicate-address", "server-1", "192.168.200.2"], during: "ip -o address | grep -q ' 192.168.200.2/'",
            after: "! ip -o address | grep -q ' 192.168.200.2/'"),
    ]

    @Test("Each fault by its verb: seen in a guest, healed, and the lab is as planned; what makes no sense is refused")
    func verbs() async throws {
        try await CommandLine.with { command in
            let first = try await command.run([
                "run", "two-nodes", "--profile", "bonding-two-switches", "--cables", "--keep", "--until", "network",
            ])
            try #require(first.code == 0, "\(first.stderr)")
            func net(_ words: [String]) async throws -> CommandLine.Outcome {
                let verbs = words[0] == "fault" ? 2 : 1
                return try await command.run(["net"] + words.prefix(verbs) + [first.run] + words.dropFirst(verbs))
            }
            for (number, one) in Self.cases.enumerated() {
                let injected = try await net(one.words)
                #expect(injected.code == 0 && injected.stdout.contains("fault \(number + 1): "), "\(one.words): \(injected.stderr)")
                #expect(try await net(["faults"]).stdout.contains("\(number + 1) "))
                try await command.succeed("wait-until-succeeds", first.run, "server-1", "--timeout", "20", "--", one.during)
                let healed = try await net(["heal"])
                #expect(healed.code == 0 && healed.stdout == "no fault is open\n", "\(one.words): \(healed.stderr)")
                try await command.succeed("wait-until-succeeds", first.run, "server-1", "--timeout", "20", "--", one.after)
            }
            let show = try await net(["show"])
            #expect(show.code == 0, "\(show.stdout)")
            #expect(try await command.succeed("net", "matrix", first.run).contains("4 of 4 as expected"))
            let ledger = try ScopedFault.ledger(command.path(first.run))
            #expect(Set(ledger.map(\.id)) == Set(1...Self.cases.count))
            for id in 1...Self.cases.count {
                #expect(ledger.filter { $0.id == id }.map(\.state) == [.recorded, .injected, .healing, .healed])
            }
            // Faults that overlap: what one hides does not keep another from being healed, and the one that stays does so.
            for words in [
                ["impair", "server-1.eth1", "--delay", "5"], ["impair", "server-1.eth1", "--delay", "9"], ["cut", "server-1.eth1"],
                ["cut", "server-1.eth1"], ["partition", "server-1", "server-2"], ["isolate", "server-2"],
            ] {
                #expect(try await net(words).code == 0, "\(words)")
            }
            let numbers = try await net(["faults"]).stdout.split(separator: "\n").dropFirst().map { String($0.prefix { $0 != " " }) }
            try #require(numbers.count == 6)
            #expect(try await net(["heal", numbers[1]]).code == 0)
            #expect(try await Self.counted(command, first.run, "server-1.eth1").forward.delay == .milliseconds(5))
            let one = try await net(["heal", numbers[4]])
            #expect(one.code == 0 && one.stdout.contains("still open"), "\(one.stderr)")
            let plugged = try await net(["plug", "server-1.eth1"])
            #expect(plugged.code == 0 && plugged.stdout == "server-1.eth1: plugged in\n", "\(plugged.stderr)")
            let all = try await net(["heal"])
            #expect(all.code == 0 && all.stdout == "no fault is open\n", "\(all.stderr)")
            #expect(try await Self.counted(command, first.run, "server-1.eth1").forward.isNone)
            let counters = try await net(["counters"])
            #expect(counters.stdout.contains("blocked") && counters.stdout.contains("uplink"), "\(counters.stdout)")
            let counted = try await Self.counted(command, first.run, "server-1.eth1")
            #expect(
                counted.ends == ["server-1.eth1", "lan-a 1"] && counted.reason == "--cables" && counted.counters.forward.blocked.frames > 0)
            try await command.succeed("takeover", first.run)
            let later = try await Self.counted(command, first.run, "server-1.eth1").counters
            #expect(later.forward.blocked == counted.counters.forward.blocked)
            #expect(later.forward.passed.frames >= counted.counters.forward.passed.frames)

            for (words, says) in [
                (["cut", "server-1.eth9"], "there is no network card 'server-1.eth9'"), (["plug", "server-1.eth1"], "is not cut"),
                (["heal", "99"], "there is no open fault 99"), (["partition", "server-1"], "at least two groups"),
                (["impair", "server-1.eth1"], "nothing is to be impaired"), (["impair", "server-1.eth1", "--loss", "101"], "loss"),
                (["fault", "crash", "lan-c"], "there is no segment 'lan-c'"), (["fault", "no-dhcp", "server-1"], "serves no DHCP"),
                (["fault", "vlan", "server-1.eth1", "--untagged", "5000"], "VLAN"),
            ] {
                let refused = try await net(words)
                #expect(refused.code == 2 && refused.stderr.contains(says), "\(words): \(refused.code) \(refused.stderr)")
            }

            // The lab's end leaves them, and later ones than the run's.
            try await command.succeed("down", first.run)
            let kept = try await Self.counted(command, first.run, "server-1.eth1").counters
            #expect(kept.forward.blocked == later.forward.blocked && kept.forward.passed.frames >= later.forward.passed.frames)
            #expect(try await net(["counters"]).stdout.contains("blocked"))
            let result = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: command.path(first.run) + "/result.json")))
            let evidence = (result as? [String: Any])?["evidence"] as? [String] ?? []
            #expect(Set(["network/cables.json", "network/faults.jsonl", "nodes/server-1/qemu.args"]).isSubset(of: evidence), "\(evidence)")
        }
    }

    private static func counted(_ command: CommandLine, _ run: String, _ cable: String) async throws -> CableStatus {
        let report = try JSONDecoder().decode(
            CableReport.self, from: Data(try await command.succeed("net", "counters", run, "--json").utf8))
        return try #require(report.cables.first { $0.cable == cable })
    }

    @Test("DHCP: a server that is gone, a rogue one; both outlast a takeover, as cuts and impairments do")
    func dhcp() async throws {
        try await CommandLine.with { command in
            let first = try await command.run([
                "run", "many-nodes", "--nodes", "2", "--profile", "dhcp-simple", "--cables", "--keep", "--until", "network",
            ])
            try #require(first.code == 0, "\(first.stderr)")
            let run = first.run
            let ask = "udhcpc -i eth1 -n -q -f -t 3 -T 1 -s /bin/true 2>&1"
            func asked() async throws -> String { try await command.run(["execute", run, "server-1", "--", ask]).stdout }
            #expect(try await asked().contains("lease of 192.168.1.1 obtained"))
            try await command.succeed("net", "fault", "no-dhcp", run, "dhcp")
            #expect(try await asked().contains("no lease"))
            try await command.succeed("net", "fault", "rogue-dhcp", run, "cluster")
            #expect(try await asked().contains("obtained from 192.168.1.250"))
            try await command.succeed("net", "cut", run, "server-2.eth1")
            try await command.succeed("net", "impair", run, "dhcp.eth1", "--loss", "100")
            try await command.succeed("takeover", run)
            let open = try await command.succeed("net", "faults", run)
            for words in ["no DHCP server on dhcp", "rogue DHCP server in cluster", "cut server-2.eth1", "impair dhcp.eth1"] {
                #expect(open.contains(words), "\(open)")
            }
            #expect(try await asked().contains("obtained from 192.168.1.250"))
            try await command.succeed("succeed", run, "server-2", "--", "[ $(cat /sys/class/net/eth1/carrier) = 0 ]")
            #expect(try await command.succeed("net", "heal", run) == "no fault is open\n")
            #expect(try await asked().contains("lease of 192.168.1.1 obtained"))
            try await command.succeed("net", "show", run)

            // What was lost is asked for again: an address, and the leases that the server forgot while the nodes have their addresses.
            try await command.succeed("execute", run, "server-1", "--", "ip addr flush dev eth1")
            try await command.succeed("net", "fault", "no-dhcp", run, "dhcp")
            try await command.succeed("net", "heal", run)
            #expect(try await command.succeed("net", "configure", run) == "as planned\n")
            try await command.succeed("execute", run, "dhcp", "--", "kill $(cat /run/vmlab/dnsmasq.pid); rm /run/vmlab/dnsmasq.leases")
            #expect(try await command.succeed("net", "configure", run) == "as planned\n")
            #expect(try await command.succeed("execute", run, "dhcp", "--", "cat /run/vmlab/dnsmasq.leases").contains(" 192.168.1.2 "))

            // With a switch that cannot be spoken to there is no takeover, and the lab stays.
            try await command.succeed("net", "fault", "freeze", run, "lan")
            let refused = try await command.run(["takeover", run])
            #expect(refused.code == 1 && refused.stderr.contains("freeze of switch lan"), "\(refused.stderr)")
            try await command.succeed("net", "heal", run)
            #expect(try await command.succeed("net", "matrix", run).contains("as expected"))
        }
    }

    @Test("In a scenario: an error and a cancellation in the middle heal each fault, and what is open at the end goes with the lab")
    func scopes() async throws {
        let loss = Impairments(loss: 1)
        let faults: [Fault] = [
            .cut("server-1.eth1"), .flap(card: "server-1.eth1", down: 0.1, up: 0.1), .isolate("server-1"),
            .partition(["server-1"], ["server-2"]), .impair("server-1.bond0", "uplink", with: loss), .switchCrash(segment: "lan-a"),
            .switchFreeze(segment: "lan-b"), .wrongVLAN(card: "server-1.eth2", carries: PortVLANs(untagged: 9)),
            .duplicateAddress(address: "192.168.100.2", at: "server-1"), .rogueDHCPServer(network: "storage"),
        ]
        try await Self.withLab("bonding-two-switches") { lab in
            for fault in faults {
                try await ScopedFault.fail(lab, fault)
                #expect(lab.openFaults.isEmpty, "\(fault)")
                try await ScopedFault.cancel(lab, fault)
                #expect(lab.openFaults.isEmpty, "\(fault)")
                for segment in lab.segments { try await segment.check() }
            }
            try await lab.node("server-1").waitForNetwork()
            try await lab.checkReachability()

            // Two faults on one card: the one that is healed first does not undo the other.
            try await lab.withFault(.cut("server-1.eth1")) {
                try await lab.withFault(.switchCrash(segment: "lan-a")) {}
                let carrier = try await lab.node("server-1").execute("cat /sys/class/net/eth1/carrier").stdout.trimmed
                #expect(carrier == "0")
            }
            // What cannot be is refused, and nothing is recorded.
            do {
                try await lab.inject(.isolate("nobody"))
                Issue.record("a node that is not there was isolated")
            } catch {
                #expect((error as? Problem)?.kind == .invalidInput && lab.openFaults.isEmpty)
            }
            try await lab.inject(.switchFreeze(segment: "lan-a"))
        } after: { run in
            let ledger = try ScopedFault.ledger(run)
            #expect(ledger.last?.state == .ended)
            #expect(ledger.dropLast(3).allSatisfy { $0.state != .failed }, "\(ledger.filter { $0.state == .failed })")
        }
    }

    /// A lab of two nodes with cables, its network made, in this process.
    private static func withLab(
        _ profile: String, _ body: @escaping @Sendable (Lab) async throws -> Void, after: (String) throws -> Void
    ) async throws {
        try await TestLab.with("net-faults", wishes: .init(profile: profile, cables: true)) { wishes throws(Problem) in
            guard let network = try wishes.network() else { throw Problem(.failure, "no profile") }
            return try wishes.topology(scenario: "net-faults", count: 2, on: network)
        } _: { lab in
            try await lab.boot()
            try await lab.configureNetwork()
            try await body(lab)
        } after: {
            try after($0.path)
        }
    }
}
