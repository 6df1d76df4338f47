import GuestShell
import LabEvents
import NetworkProfiles
import Phases
public import VMLab

extension Scenario {
    /// What a storage network is for: its traffic is not in the way of the cluster's.
    public static let storageNetwork = Scenario(
        "storage-network",
        intent:
            "On a profile with a network 'storage' besides 'cluster': nodes reach each other on it, broadcasts of one network do not come to the other, and "
            + "8 MiB over the storage network arrive unchanged and leave the counters of the cluster's interfaces alone.",
        network: .any(otherwiseProfile: "vlans"), nodes: .any(2...4, usual: 2), tags: ["network", "storage"],
        budgets: [Budget("scenario", .seconds(600))]
    ) {
        Phase.boot
        Phase.network
        Phase.reachability
        Phase("isolated") { lab in
            let (storage, cluster) = (try NetworkEnds("storage", in: lab), try NetworkEnds("cluster", in: lab))
            return [try await storage.broadcasts(besides: cluster), try await cluster.broadcasts(besides: storage)].joined(separator: "; ")
        }
        Phase("8 MiB") { lab in
            let (storage, cluster) = (try NetworkEnds("storage", in: lab), try NetworkEnds("cluster", in: lab))
            let bytes = 8 << 20
            let before = try await (storage.counters(), cluster.counters())
            let sent = try await storage.first.succeed("head -c \(bytes) /dev/urandom >/tmp/payload && sha256sum </tmp/payload").stdout
                .trimmed
            let received = try await storage.second.listen(port: 7003, into: "sha256sum") {
                try await storage.first.run("exec 3<>/dev/tcp/\(storage.address)/7003 && cat /tmp/payload >&3; rm -f /tmp/payload")
            }
            guard sent == received else { throw Problem(.failure, "the 8 MiB differ", why: "sent \(sent), received \(received)") }
            let after = try await (storage.counters(), cluster.counters())
            let (moved, leaked) = (after.0 - before.0, after.1 - before.1)
            guard moved.sent >= bytes, moved.received >= bytes else {
                throw Problem(
                    .failure, "the transfer did not go over the storage network",
                    why: "\(storage.first.name) sent \(moved.sent) bytes there, \(storage.second.name) received \(moved.received)")
            }
            // What nodes say to each other anyway is some hundred bytes a second.
            guard leaked.sent + leaked.received < bytes / 100 else {
                throw Problem(
                    .failure, "the transfer over the storage network shows in the cluster network",
                    why: "\(storage.first.name) sent \(leaked.sent) bytes there, \(storage.second.name) received \(leaked.received)")
            }
            return "storage: \(moved.sent) bytes sent, \(moved.received) received; cluster: \(leaked.sent) and \(leaked.received)"
        }
    }
}

/// Two nodes in one of their networks.
private struct NetworkEnds: Sendable {
    /// Bytes that the first node sent and the second received.
    struct Counters: Sendable {
        var sent: Int
        var received: Int

        static func - (one: Counters, other: Counters) -> Counters {
            .init(sent: one.sent - other.sent, received: one.received - other.received)
        }
    }

    let network: String
    let first: Node
    let second: Node
    let firstInterface: String
    let secondInterface: String
    /// The second node's address.
    let address: String
    /// One that nobody has.
    let nobody: String

    init(_ network: String, in lab: Lab) throws {
        let nodes = lab.clusterNodes
        guard let plan = lab.plan.network, let range = plan.networks.first(where: { $0.name == network }) else {
            throw Skip.byDesign("the profile has no network '\(network)'")
        }
        guard
            let pair = plan.pairs.first(where: {
                $0.from == nodes[0].name && $0.to == nodes[1].name && $0.network == network && $0.isConnected
            }), let link = nodes[1].network?.link(pair.toInterface), let own = link.addresses.first
        else { throw Skip.byDesign("\(nodes[0].name) and \(nodes[1].name) are not to reach each other in '\(network)'") }
        guard let free = range.ipv4?.host(250) else { throw Skip.byDesign("the network '\(network)' has no IPv4 address .250") }
        (self.network, first, second) = (network, nodes[0], nodes[1])
        (firstInterface, secondInterface) = (pair.fromInterface, pair.toInterface)
        (address, nobody) = (own.address, free.address)
    }

    func counters() async throws -> Counters {
        func count(_ node: Node, _ interface: String, _ what: String) async throws -> Int {
            let text = try await node.run("cat /sys/class/net/\(interface)/statistics/\(what)").stdout.trimmed
            guard let number = Int(text) else { throw Problem(.failure, "\(node.name): \(interface) has no counter", why: text) }
            return number
        }
        return Counters(
            sent: try await count(first, firstInterface, "tx_bytes"), received: try await count(second, secondInterface, "rx_bytes"))
    }

    /// Lets the first node ask by ARP for an address that nobody has, which is a broadcast, and looks where it comes to the second: in this network, and not in
    /// the other.
    func broadcasts(besides other: NetworkEnds) async throws -> String {
        let script =
            "cat /sys/class/net/\(secondInterface)/statistics/rx_packets /sys/class/net/\(other.secondInterface)/statistics/rx_packets"
        func count() async throws -> [Int] {
            try await second.run(script).stdout.trimmed.split(separator: "\n").compactMap { Int($0) }
        }
        let before = try await count()
        // Each ping is a request; nobody answers.
        try await first.fail("ping -c 30 -i 0.3 -W 1 \(nobody)")
        let after = try await count()
        guard before.count == 2, after.count == 2 else { throw Problem(.failure, "\(second.name) does not count frames") }
        let (own, foreign) = (after[0] - before[0], after[1] - before[1])
        guard own >= 3 else {
            throw Problem(
                .failure, "broadcasts in the network '\(network)' do not come to \(second.name)",
                location: "\(second.name).\(secondInterface)",
                why: "\(first.name) asked for \(nobody), and \(own) frames came")
        }
        guard foreign * 2 < own else {
            throw Problem(
                .failure, "the network '\(other.network)' is not apart from '\(network)'",
                location: "\(second.name).\(other.secondInterface)",
                why: "\(first.name) asked for \(nobody): \(own) frames came in its own network, and \(foreign) in the other")
        }
        return "broadcasts in '\(network)': \(own) frames there, \(foreign) in '\(other.network)'"
    }
}
