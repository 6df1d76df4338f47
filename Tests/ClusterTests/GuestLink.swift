import Foundation
import Testing
import VDE
import VMLab

/// Two guests of a kept lab on one switch, and what one measures towards the other.
struct GuestLink: Sendable {
    let command: CommandLine
    let run: String

    /// Starts a lab; `CommandLine.with` ends it.
    static func start(_ command: CommandLine, _ options: String...) async throws -> GuestLink {
        let started = try await command.run(["run", "many-nodes", "--nodes", "2", "--keep"] + options)
        try #require(started.code == 0, "\(started.stderr)")
        return GuestLink(command: command, run: started.run)
    }

    /// Impairs what n2 sends for the time of `body`.
    func impaired<Result>(_ options: String..., body: () async throws -> Result) async throws -> Result {
        let outcome = try await command.run(["net", "impair", run, "n2.eth1", "--way", "out"] + options)
        try #require(outcome.code == 0, "\(outcome.stderr)")
        let result = try await body()
        try await command.succeed("net", "heal", run)
        return result
    }

    /// Round trips in ms of the pings from n1 that n2 answered.
    func pings(_ count: Int, every interval: String) async throws -> [Double] {
        // Lost ones are for the caller to judge.
        let output = try await command.succeed(
            "execute", run, "n1", "--", "ping -c \(count) -i \(interval) -W 2 192.168.1.2 | grep ' bytes from ' || true")
        return output.split(separator: "\n").compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("time=") }.flatMap { Double($0.dropFirst(5)) }
        }
    }

    /// What came of more frames than a cable takes.
    struct Flood {
        /// What came to n1, in Mbit/s by its own clock, all headers counted.
        var arrived: Double
        /// What n2 sent meanwhile, in Mbit/s: what came, times what the cable was given for each frame that it passed on.
        var offered: Double
        /// How many frames the cable was given, and how many of them it lost as it was told.
        var given: Int
        var lost: Int
    }

    /// Lets n2 send datagrams of 41 frames as fast as it can, and looks for 2 s at what comes to n1. A write makes all frames of a datagram, so that a guest
    /// without KVM too sends more than 100 Mbit/s.
    func flood() async throws -> Flood {
        // Nobody has the address, and n1 passes nothing on: it neither answers nor puts the datagrams together.
        let before = try await sent()
        try await command.succeed(
            "execute", run, "n2", "--",
            """
            ip route add 10.9.9.0/24 via 192.168.1.1 2>/dev/null
            exec 3>/dev/udp/10.9.9.9/9
            dd if=/dev/zero bs=60000 count=1000000 >&3 2>/dev/null & echo $! >/tmp/flood
            """)
        let output = try await command.succeed(
            "execute", run, "n1", "--",
            """
            cd /sys/class/net/eth1/statistics
            read a <rx_bytes; b=$a
            while [ $((b - a)) -lt 500000 ]; do sleep 0.05; read b <rx_bytes; done
            read s _ </proc/uptime; read a <rx_bytes; sleep 2; read e _ </proc/uptime; read b <rx_bytes; echo $s $e $((b - a))
            """)
        let after = try await sent()
        try await command.succeed("execute", run, "n2", "--", "kill $(cat /tmp/flood)")
        let numbers = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        try #require(numbers.count == 3, "\(output)")
        let arrived = numbers[2] * 8 / 1_000_000 / max(0.01, numbers[1] - numbers[0])
        let given = after.received.frames - before.received.frames
        let passed = after.passed.frames - before.passed.frames
        return Flood(
            arrived: arrived, offered: arrived * Double(given) / Double(max(1, passed)), given: given,
            lost: after.lost.frames - before.lost.frames)
    }

    /// What the cable counted of what n2 sends.
    private func sent() async throws -> DirectionCounters {
        let report = try JSONDecoder().decode(
            CableReport.self, from: Data(try await command.succeed("net", "counters", run, "--json").utf8))
        return try #require(report.cables.first { $0.cable == "n2.eth1" }).counters.forward
    }
}

extension [Double] {
    var mean: Double { isEmpty ? 0 : reduce(0, +) / Double(count) }
}
