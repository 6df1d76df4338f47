import Glibc
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

    /// The processor time that this thread has used, in seconds: it does not count what others do on the host.
    private static func used() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("The time to check and plan grows as the number of nodes does: 500 nodes on 20 switches, 50 on 2")
    func linear() throws {
        let (small, large) = (Self.profile(switches: 2), Self.profile(switches: 20))
        var (one, ten) = (Double.infinity, Double.infinity)
        // By turns, and the least of each: a busy host slows some rounds down.
        for _ in 0..<5 {
            let start = Self.used()
            #expect(try small.plan(lab: "lab").nodes.count == 50)
            let middle = Self.used()
            let plan = try large.plan(lab: "lab")
            let end = Self.used()
            #expect(plan.nodes.count == 500 && plan.segments.count == 20)
            (one, ten) = (min(one, middle - start), min(ten, end - middle))
        }
        print("planned 50 nodes in \(one) s, 500 in \(ten) s")
        // Ten times the nodes; what grows with their square would take a hundred times as long.
        #expect(ten < one * 25)
    }
}
