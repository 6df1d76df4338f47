import Foundation
import Testing

/// 802.3ad bonds of real guests at their link aggregations.
@Suite("Link aggregation with guests", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct AggregatedGuestTests {
    @Test("The network phase ends when both ends of each bond take and send frames, and `net show` says what is missing when they do not")
    func network() async throws {
        try await CommandLine.with { command in
            let started = try await command.run(["run", "bond-failover", "--profile", "lacp-vlans", "--until", "network", "--keep"])
            try #require(started.code == 0, "\(started.stderr)")
            // LACP takes seconds, this verb does not: it would see what is missing.
            let show = try await command.run(["net", "show", started.run])
            #expect(show.code == 0 && show.stdout.contains("all as planned"), "\(show.stdout)")
            #expect(show.stdout.split(separator: "\n").count { $0.contains("up, port states 63 and 63") } == 4)
            #expect(show.stdout.split(separator: "\n").count { $0.contains("lan 1 (LAG, cable)") } == 2)
            // The carrier stays, but what the guest says on a leg is lost: LACP alone notices.
            try await command.succeed("net", "impair", started.run, "server-1.eth2", "--way", "out", "--loss", "100")
            var broken = try await command.run(["net", "show", started.run])
            let end = ContinuousClock.now + .hang
            while broken.code == 0, ContinuousClock.now < end { broken = try await command.run(["net", "show", started.run]) }
            #expect(broken.code == 1 && broken.stdout.contains("server-1: eth2: LACP: the partner is not"), "\(broken.stdout)")
        }
    }

    @Test(
        "One aggregator with vmlab as the partner at both rates; nothing comes back; a flow stays on a leg, several use both",
        arguments: ["fast", "slow"])
    func aggregation(_ rate: String) async throws {
        try await CommandLine.with { command in
            let profile = command.state + "/lacp-vlans.yaml"
            try FileManager.default.createDirectory(atPath: command.state, withIntermediateDirectories: true)
            let shipped = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../profiles/lacp-vlans.yaml")
            try String(contentsOf: shipped, encoding: .utf8).replacing("lacpRate: fast", with: "lacpRate: \(rate)")
                .write(toFile: profile, atomically: true, encoding: .utf8)
            let started = try await command.run(["run", "bond-failover", "--profile", profile, "--keep"])
            try #require(started.code == 0, "\(started.stderr)")
            let run = started.run
            func execute(_ script: String, on node: String = "server-1") async throws -> String {
                try await command.succeed("execute", run, node, "--", script)
            }
            let count = "cd /sys/class/net; cat eth1/statistics/rx_packets eth2/statistics/rx_packets"
            func read(_ node: String) async throws -> [Int] {
                try await execute(count, on: node).split(separator: "\n").compactMap { Int($0) }
            }
            /// Frames that came by each leg of server-1 while a script runs on a node.
            func received(_ script: String, on node: String = "server-2") async throws -> [Int] {
                let before = try await read("server-1")
                _ = try await execute(script, on: node)
                return zip(try await read("server-1"), before).map { $0 - $1 }
            }
            let state = rate == "fast" ? "63" : "61"
            #expect(started.stderr.contains("2 ports in aggregator") && started.stderr.contains("port states \(state) and \(state)"))

            let before = try await read("server-2").reduce(0, +)
            let echoed = try await received("ping -c 1000 -i 0.01 -W 1 192.168.200.255 >/dev/null 2>&1 || true", on: "server-1")
            let spread = try await read("server-2").reduce(0, +) - before
            print("\(rate): with 1000 broadcasts sent, the other node got \(spread) frames, and \(echoed) came by the legs")
            #expect(spread >= 1000)
            // LACPDUs come too, one a second and leg at most.
            #expect(echoed.count == 2 && echoed.reduce(0, +) < 150)

            let one = try await received("ping -c 300 -i 0.01 192.168.200.1 >/dev/null")
            print("\(rate): one flow of 300, by the legs: \(one)")
            #expect((one.max() ?? 0) >= 300 && (one.min() ?? 0) < 60)
            let many = try await received("for p in $(seq 6000 6127); do echo x >/dev/udp/192.168.200.1/$p; done")
            print("\(rate): 128 flows, by the legs: \(many)")
            // Binomial, n = 128, p = 0.5: 64 ± 5 standard deviations of 5.7.
            #expect((many.min() ?? 0) >= 35)

            _ = try await execute("ip addr add fd00:200::1/64 dev bond0.200")
            try await command.succeed(
                "wait-until-succeeds", run, "server-1", "--", "ip -6 addr show dev bond0.200 | grep fd00:200::1 | grep -qv tentative")
            #expect(try await !execute("ip -6 addr show dev bond0.200").contains("dadfailed"))
        }
    }
}
