import Foundation
import GuestShell
import LabEvents
import NetworkProfiles
import Testing
import VMLab

/// Two guests that are joined twice: by cards that are plugged straight into their switch, and by cards with cables.
///
/// Both ways are in one lab, and are tried in turns: whatever else keeps the host busy meanwhile slows both.
struct TwoWays: Sendable {
    private let lab: Lab
    private static let bytes = 3_000_000

    /// Mbit/s of two transfers, one right after the other.
    struct Pair: Sendable {
        var plain: Double
        var cabled: Double
    }

    private static let profile: NetworkProfile = {
        let names = ["plain", "cabled"]
        let networks = names.enumerated().map { NetworkProfile.IPNetwork(name: $1, ipv4: IPPrefix("192.168.\($0 + 1).0/24")) }
        let nics = names.enumerated().map { NetworkProfile.NIC(name: "eth\($0 + 1)", segment: $1, addressing: .host(network: $1)) }
        return NetworkProfile(
            name: "two-ways", summary: "Two ways.", networks: networks, segments: names, interfaces: .init(nics: nics),
            roles: [.init(name: "node", hosts: 1...2, names: ["n1", "n2"])])
    }()

    /// Starts the lab for the time of `body`.
    static func with(_ body: @escaping @Sendable (TwoWays) async throws -> Void) async throws {
        try await TestLab.with("two-ways") { _ throws(Problem) in
            var network = try profile.plan(lab: "two-ways")
            for node in network.nodes.indices {
                for link in network.nodes[node].links.indices {
                    guard case .card(var card) = network.nodes[node].links[link].kind, card.port.segment == "cabled" else { continue }
                    card.cable = "it is measured"
                    network.nodes[node].links[link].kind = .card(card)
                }
            }
            return Topology(network) { .init(name: $0.name, image: "mini") }
        } _: { lab in
            try await lab.boot()
            try await lab.configureNetwork()
            // Each connection is given the bytes by a process of its own.
            try await lab.node("n2").run(
                "(nc -ll -p 7200 -e /bin/sh -c 'head -c \(bytes) /dev/zero' </dev/null >/dev/null 2>&1 &)")
            try await lab.node("n2").waitUntilListening(port: 7200)
            try await body(TwoWays(lab: lab))
        }
    }

    /// Lets n1 fetch from n2 again and again, each time both ways, and each time in the other order.
    func pairs(_ count: Int) async throws -> [Pair] {
        _ = (try await fetch(1), try await fetch(2))
        var pairs: [Pair] = []
        for number in 0..<count {
            var pair = Pair(plain: 0, cabled: 0)
            for isCabled in number.isMultiple(of: 2) ? [false, true] : [true, false] {
                let rate = try await fetch(isCabled ? 2 : 1)
                if isCabled { pair.cabled = rate } else { pair.plain = rate }
            }
            pairs.append(pair)
        }
        return pairs
    }

    /// - Returns: Mbit/s by n1's clock, from before the connection until all bytes are there.
    private func fetch(_ network: Int) async throws -> Double {
        let output = try await lab.node("n1").run(
            """
            read b _ </proc/uptime; exec 3<>/dev/tcp/192.168.\(network).2/7200; n=$(head -c \(Self.bytes) <&3 | wc -c); read e _ </proc/uptime
            exec 3>&-; echo $n $b $e
            """
        ).stdout.trimmed
        let numbers = output.split(separator: " ").compactMap { Double($0) }
        try #require(numbers.count == 3 && Int(numbers[0]) == Self.bytes, "\(output)")
        return Double(Self.bytes) * 8 / 1_000_000 / max(0.01, numbers[2] - numbers[1])
    }
}
