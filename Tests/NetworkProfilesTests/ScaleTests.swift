import NetworkProfiles
import Testing

@Suite("Large profiles", .tier(.unit))
struct ScaleTests {
    /// Nodes with bonds and two VLANs on so many switches, 25 to each, joined like a star.
    private static func profile(switches: Int) -> NetworkProfile {
        typealias Profile = NetworkProfile
        func segment(_ index: Int) -> String { "lan-\(index)" }
        let roles = (0..<switches).map { index in
            Profile.Role(
                name: "rack\(index)", hosts: (index * 25 + 1)...(index * 25 + 25),
                interfaces: .init(
                    nics: ["eth1", "eth2"].map { .init(name: $0, segment: segment(index), port: .trunk([100, 200])) },
                    bonds: [.init(name: "bond0", legs: ["eth1", "eth2"])],
                    vlans: [
                        .init(name: "bond0.200", parent: "bond0", id: 200, addressing: .host(network: "cluster")),
                        .init(name: "bond0.100", parent: "bond0", id: 100, addressing: .host(network: "storage")),
                    ]))
        }
        return Profile(
            name: "large", summary: "Many nodes.",
            networks: [
                .init(name: "cluster", ipv4: IPPrefix("10.1.0.0/16"), ipv6: IPPrefix("fd00:1::/64")),
                .init(name: "storage", ipv4: IPPrefix("10.2.0.0/16")),
            ], segments: (0..<switches).map(segment),
            trunks: (1..<switches).map { .init(name: "t\($0)", segments: [segment(0), segment($0)], vlans: [100, 200]) }, roles: roles)
    }

    /// The shortest of some runs; the others waited for something.
    private static func shortest(_ runs: Int, _ body: () throws -> Void) rethrows -> Duration {
        var best = Duration.seconds(3600)
        for _ in 0..<runs { best = min(best, try ContinuousClock().measure(body)) }
        return best
    }

    @Test("The time to check and plan grows as the number of nodes does: 500 nodes on 20 switches, 50 on 2")
    func linear() throws {
        let (small, large) = (Self.profile(switches: 2), Self.profile(switches: 20))
        var plan: NetworkPlan?
        let one = try Self.shortest(5) { _ = try small.plan(lab: "lab") }
        let ten = try Self.shortest(3) { plan = try large.plan(lab: "lab") }
        print("planned 50 nodes in \(one), 500 in \(ten)")
        #expect(plan?.nodes.count == 500 && plan?.segments.count == 20)
        #expect(ten < one * 20)
    }
}
