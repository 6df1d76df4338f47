import NetworkProfiles
import Testing

/// The plans that drawings are tested with: those that come with vmlab, and those that are hard to draw.
struct DrawingCase: Sendable, CustomTestStringConvertible {
    var plan: NetworkPlan
    var testDescription: String { plan.profile }

    init(_ sketch: PlanSketch) { plan = sketch.plan }

    init(plan: NetworkPlan) { self.plan = plan }

    private static let four = [("server-1", "server"), ("server-2", "server"), ("agent-1", "agent"), ("agent-2", "agent")]
    private static let vlanNetworks = [("cluster", "192.168.200.0/24", nil as String?), ("storage", "192.168.100.0/24", nil)]
    private static let tagged = PortVLANs.trunk([100, 200])
    private static let both = [(id: 200, network: "cluster"), (id: 100, network: "storage")]

    static let all: [DrawingCase] = [
        plain(4), plain(2), plain(12), vlans, bonds(two: false), bonds(two: true), lacp, dhcp, broken, dual, chain, star, odd, storm,
        meshed, many(8), many(40), aggregated(2), aggregated(30), aggregatedElsewhere,
        empty,
    ]

    static func plain(_ count: Int) -> DrawingCase {
        var sketch = PlanSketch("simple-\(count)", networks: [("cluster", "192.168.1.0/24", nil)])
        for host in 1...count { sketch.node("server-\(host)", host: host, nics: [.init(network: "cluster")]) }
        return DrawingCase(sketch)
    }

    static var vlans: DrawingCase {
        var sketch = PlanSketch("vlans", networks: vlanNetworks)
        for (index, (name, role)) in four.enumerated() {
            sketch.node(name, role: role, host: index + 1, nics: [.init(vlans: tagged)], vlans: both)
        }
        return DrawingCase(sketch)
    }

    static func bonds(two: Bool) -> DrawingCase {
        var sketch = PlanSketch(
            two ? "bonding-two-switches" : "bonding-vlans", segments: two ? ["lan-a", "lan-b"] : ["lan"], networks: vlanNetworks)
        for (index, (name, role)) in four.enumerated() {
            sketch.node(
                name, role: role, host: index + 1,
                nics: [
                    .init(segment: two ? "lan-a" : "lan", vlans: tagged),
                    .init(name: "eth2", segment: two ? "lan-b" : "lan", vlans: tagged),
                ],
                bond: .activeBackup, vlans: both)
        }
        if two { sketch.trunk("uplink", "lan-a", "lan-b", tagged) }
        return DrawingCase(sketch)
    }

    static var lacp: DrawingCase {
        var sketch = PlanSketch("lacp-jumbo", networks: vlanNetworks)
        for (index, (name, role)) in four.enumerated() {
            sketch.node(
                name, role: role, host: index + 1, nics: ["eth1", "eth2", "eth3"].map { .init(name: $0, vlans: tagged, mtu: 9000) },
                bond: .lacp,
                vlans: both, mtu: 9000)
        }
        return DrawingCase(sketch)
    }

    static var dhcp: DrawingCase {
        var sketch = PlanSketch("dhcp-simple", networks: [("cluster", "192.168.1.0/24", nil)])
        if let start = IPPrefix("192.168.1.100/24"), let end = IPPrefix("192.168.1.200/24") {
            let service = ServicePlan(
                memoryMiB: 512, vcpus: 1, interface: "eth1", poolStart: start, poolEnd: end, leaseSeconds: 43_200, reservations: [])
            sketch.node("dhcp", role: "service", host: 254, nics: [.init(network: "cluster")], service: service)
        }
        for (index, (name, role)) in four.enumerated() {
            sketch.node(name, role: role, host: index + 1, nics: [.init(network: "cluster", dhcp: true)])
        }
        return DrawingCase(sketch)
    }

    static var broken: DrawingCase {
        var sketch = PlanSketch(
            "vlans-broken", networks: [("cluster", "192.168.200.0/24", nil), ("storage", "192.168.100.0/24", nil)])
        for (index, (name, role)) in four.enumerated() {
            sketch.node(
                name, role: role, host: index + 1, nics: [.init(vlans: .trunk([100 + index, 200 + index]))],
                vlans: [(200 + index, "cluster"), (100 + index, "storage")])
        }
        sketch.plan.expectedFailure = .init(
            unreachable: ["cluster", "storage"],
            reason:
                "Every node is in VLANs of its own, so no frame of one reaches another: a cluster must not come up here, and a test passes when it does not."
        )
        return DrawingCase(sketch)
    }

    static var dual: DrawingCase {
        var sketch = PlanSketch("dual-stack", networks: [("cluster", "192.168.1.0/24", "fd00:1::/64")])
        for (index, (name, role)) in four.enumerated() { sketch.node(name, role: role, host: index + 1, nics: [.init(network: "cluster")]) }
        return DrawingCase(sketch)
    }

    static var chain: DrawingCase {
        let names = (1...5).map { "floor-\($0)" }
        var sketch = PlanSketch("chain", segments: names, networks: vlanNetworks)
        for (index, name) in names.enumerated() {
            for number in 1...3 {
                sketch.node(
                    "node-\(index * 3 + number)", role: "node", host: index * 3 + number, nics: [.init(segment: name, vlans: tagged)],
                    vlans: both)
            }
        }
        for index in 1..<names.count { sketch.trunk("up-\(index)", names[index - 1], names[index], tagged) }
        sketch.plan.impairments = [.init(link: "up-2", delay: 20, jitter: 5, bandwidth: 20), .init(link: "node-2.eth1", loss: 1.5)]
        return DrawingCase(sketch)
    }
}

extension DrawingCase {
    /// The profiles in the package's folder; empty when one does not load, which their own tests say.
    static let shipped: [DrawingCase] = {
        let names = ["simple", "vlans", "bonding-vlans", "bonding-two-switches", "lacp-vlans", "dhcp-simple", "vlans-broken", "dual-stack"]
        return names.compactMap { name in
            guard let profile = try? NetworkProfile.load("\(packageFolder)/profiles/\(name).yaml"),
                let plan = try? profile.plan(lab: "drawing")
            else { return nil }
            return DrawingCase(plan: plan)
        }
    }()
}
