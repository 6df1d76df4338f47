import LabEvents
import NetworkProfiles
import Testing

/// Who reaches whom, from what probes printed.
@Suite("Reachability", .tier(.unit))
struct ReachabilityTests {
    @Test("What is expected follows from the switches")
    func expected() throws {
        #expect(try Shipped.plan("vlans").pairs.count == 24)
        #expect(try Shipped.plan("vlans").pairs.allSatisfy(\.isConnected))
        #expect(try Shipped.plan("vlans-broken").pairs.count == 24)
        #expect(try !Shipped.plan("vlans-broken").pairs.contains(where: \.isConnected))
        #expect(try Shipped.plan("bonding-two-switches").pairs.allSatisfy(\.isConnected))
        var cut = try Shipped.plan("bonding-two-switches")
        cut.trunks = []
        // Each bond still has a leg on each switch.
        #expect(!cut.pairs.contains { !$0.isConnected })
    }

    @Test("A frame of VLAN 100 reaches no port that carries only 200")
    func delivery() throws {
        var plan = try Shipped.plan("vlans")
        plan.segments[0].ports[1].vlans = .trunk([200])
        plan.segments[0].ports[2].vlans = .access(200)
        let from = PortReference(segment: plan.segments[0].name, number: plan.segments[0].ports[0].number)
        let reached = plan.delivery(from: from, tag: 100)
        #expect(reached.keys.map(\.number).sorted() == [plan.segments[0].ports[3].number])
        #expect(plan.delivery(from: from, tag: 200).count == 3)
        #expect(plan.delivery(from: from, tag: 300).isEmpty)
        #expect(plan.delivery(from: from, tag: nil).isEmpty)
    }

    private static func probe(connected: Bool) throws -> ReachabilityProbe {
        let plan = try Shipped.plan(connected ? "vlans" : "vlans-broken")
        return try #require(ReachabilityProbe.all(plan, nodes: ["server-1", "server-2"])["server-1"]?.first)
    }

    @Test("What a guest prints becomes findings")
    func printed() throws {
        let probe = try Self.probe(connected: true)
        let text = """
            icmp 0 yes
            tcp 0 refused 12
            neighbour 0 192.168.200.2 dev eth1.200 lladdr \(probe.mac) REACHABLE
            icmp 1 no
            tcp 1 unreachable 3050
            neighbour 1 192.168.200.3 dev eth1.200 FAILED
            icmp 7 yes
            rubbish
            """
        let findings = ReachabilityProbe.findings(text, of: [probe, probe, probe])
        #expect(findings[0] == .init(icmp: true, neighbour: probe.mac, tcp: .refused, tcpMilliseconds: 12))
        #expect(findings[1] == .init(icmp: false, neighbour: nil, tcp: .unreachable, tcpMilliseconds: 3050))
        #expect(findings[2] == .init(icmp: false, neighbour: nil, tcp: .timeout, tcpMilliseconds: nil))
        #expect(probe.fault(findings[0]) == nil)
        #expect(probe.fault(findings[1]) == "no ARP answer, no ping answer, TCP: unreachable")
    }

    @Test("The answer of another node is a fault, and any answer where none may be is a leak")
    func faults() throws {
        let (open, shut) = (try Self.probe(connected: true), try Self.probe(connected: false))
        var finding = ReachabilityProbe.Finding(icmp: true, neighbour: "52:54:00:00:00:99", tcp: .accepted, tcpMilliseconds: nil)
        #expect(open.fault(finding) == "52:54:00:00:00:99 answered instead of \(open.mac)")
        #expect(shut.fault(finding) == "leak: neighbour 52:54:00:00:00:99 answered, ping was answered, TCP was accepted")
        finding = .init(icmp: false, neighbour: nil, tcp: .timeout, tcpMilliseconds: nil)
        #expect(shut.fault(finding) == nil)
        finding.tcp = .refused
        #expect(shut.fault(finding) == "leak: TCP was refused")
    }

    @Test("A table for people")
    func table() throws {
        let plan = try Shipped.plan("vlans-broken")
        let probes = ReachabilityProbe.all(plan, nodes: ["server-1", "server-2"])
        var entries = (probes["server-1"] ?? []).map {
            ReachabilityMatrix.Entry($0, .init(icmp: false, neighbour: nil, tcp: .timeout, tcpMilliseconds: nil))
        }
        entries += (probes["server-2"] ?? []).map {
            ReachabilityMatrix.Entry($0, .init(icmp: $0.pair.network == "storage", neighbour: nil, tcp: .timeout, tcpMilliseconds: nil))
        }
        let matrix = ReachabilityMatrix(port: 10250, nodes: plan.nodes.map(\.name), entries: entries)
        #expect(!matrix.isAsExpected)
        #expect(
            matrix.table == """
                cluster   server-1  server-2
                server-1  ·         isolated
                server-2  isolated  ·

                storage   server-1  server-2
                server-1  ·         isolated
                server-2  LEAK      ·

                server-2 → server-1 on storage (192.168.100.1): leak: ping was answered
                3 of 4 as expected (0 should be connected, 4 isolated)
                """)
    }
}
