import NetworkProfiles

/// Plans that are hard to draw.
extension DrawingCase {
    private static let tagged = PortVLANs.trunk([100, 200])
    private static let networks = [
        ("cluster", "10.0.0.0/16", "fd00:1::/64" as String?), ("storage", "10.1.0.0/16", nil), ("backup", "10.2.0.0/16", nil),
    ]

    /// A core with four switches around it; the last hangs on the second.
    static var star: DrawingCase {
        var sketch = PlanSketch("star", segments: ["core", "edge-1", "edge-2", "edge-3", "edge-4"], networks: networks)
        for index in 1...4 {
            for number in 1...2 {
                sketch.node(
                    "host-\(index)-\(number)", role: "worker", host: index * 10 + number,
                    nics: [.init(segment: "edge-\(index)", vlans: .trunk([100], native: 0), network: "cluster")], vlans: [(100, "storage")])
            }
            sketch.trunk("up-\(index)", index == 4 ? "edge-2" : "core", "edge-\(index)", .trunk([100], native: 0))
        }
        sketch.plan.impairments = [.init(link: "up-3", delay: 50, jitter: 10, loss: 5, duplicate: 1, bandwidth: 10)]
        return DrawingCase(sketch)
    }

    /// Long names, access ports, an unused switch, a node without a network, VLANs in an order that is not theirs, markup in text.
    static var odd: DrawingCase {
        var sketch = PlanSketch(
            "a<b>&\"c\" with a long name of many words that goes on and on and must stay inside the page whatever it is",
            segments: ["a-switch-with-a-name", "unused", "lan"], networks: networks)
        let name = "a-node-whose-name-is-as-long-as-names-may-be-0123456789-abcdefg"
        sketch.node(
            name, host: 1,
            nics: [.init(name: "enp0s31f6", segment: "a-switch-with-a-name", vlans: .trunk([4000, 4001, 4002, 300, 3, 9]))],
            vlans: [(4002, "cluster"), (3, "storage"), (4000, "backup"), (9, "backup")], mtu: 9000)
        sketch.node("b", host: 2, nics: [.init(segment: "lan", vlans: .access(300), network: "cluster", mtu: 1400)])
        sketch.node(
            "c", host: 3, nics: [.init(segment: "lan", vlans: .access(301), network: "cluster"), .init(name: "eth2", segment: "lan")])
        sketch.node("nothing", host: 4, nics: [])
        return DrawingCase(sketch)
    }

    /// Every kind of impairment on links of a pair of switches.
    static var storm: DrawingCase {
        var sketch = PlanSketch("storm", segments: ["left", "right"], networks: networks)
        for host in 1...2 {
            sketch.node("l-\(host)", role: "node", host: host, nics: [.init(segment: "left", vlans: tagged)], vlans: [(200, "cluster")])
        }
        for host in 3...4 {
            sketch.node(
                "r-\(host)", role: "node", host: host, nics: [.init(segment: "right", vlans: tagged)],
                vlans: [(200, "cluster"), (100, "storage")])
        }
        sketch.node(
            "router", role: "gateway", host: 5,
            nics: [.init(segment: "left", vlans: tagged), .init(name: "eth2", segment: "right", vlans: .access(200), network: "cluster")],
            vlans: [(100, "storage")])
        sketch.trunk("between", "left", "right", tagged)
        sketch.plan.impairments = ["l-1.eth1", "r-3.eth1", "router.eth2", "between"].map {
            .init(link: $0, delay: 50, jitter: 10, loss: 5, duplicate: 0.5, bandwidth: 10)
        }
        return DrawingCase(sketch)
    }

    /// Three switches, each pair with nodes in common, and a fourth to which all have a card.
    static var meshed: DrawingCase {
        let names = ["alpha", "beta", "gamma"]
        var sketch = PlanSketch("meshed", segments: names + ["console"], networks: networks)
        for index in 0..<6 {
            sketch.node(
                "m-\(index + 1)", role: "m", host: index + 1,
                nics: [
                    .init(segment: names[index % 3], vlans: .access(200)),
                    .init(name: "eth2", segment: names[(index + 1) % 3], vlans: .access(200)),
                    .init(name: "eth3", segment: "console", network: "backup"),
                ])
        }
        sketch.trunk("a-b", "alpha", "beta", .access(200))
        sketch.trunk("b-g", "beta", "gamma", .access(200))
        return DrawingCase(sketch)
    }

    /// More VLANs than have lines.
    static func many(_ count: Int) -> DrawingCase {
        var sketch = PlanSketch("many-\(count)", segments: ["one", "two"], networks: networks)
        let vlans = (0..<count).map { 1000 + $0 * 2 }
        for host in 1...3 {
            sketch.node(
                "n-\(host)", role: "n", host: host, nics: [.init(segment: host == 3 ? "two" : "one", vlans: .trunk(vlans, native: 1))],
                vlans: [(1000, "cluster"), (1002, "storage")])
        }
        sketch.trunk("up", "one", "two", .trunk(vlans))
        return DrawingCase(sketch)
    }

    /// 802.3ad bonds, of which one has an impaired leg, beside nodes without.
    static func aggregated(_ nodes: Int) -> DrawingCase {
        var sketch = PlanSketch("lacp-\(nodes)", networks: networks)
        for host in 1...nodes {
            let isBonded = host % 3 != 0
            let nics = isBonded ? ["eth1", "eth2"] : ["eth1"]
            sketch.node(
                "n-\(host)", role: "n", host: host, nics: nics.map { .init(name: $0, vlans: tagged) }, bond: isBonded ? .lacp : nil,
                vlans: [(200, "cluster")])
        }
        sketch.plan.impairments = [.init(link: "n-2.eth2", delay: 50, loss: 5)]
        return DrawingCase(sketch)
    }

    /// 802.3ad bonds at a switch that stands apart from the nodes.
    static var aggregatedElsewhere: DrawingCase {
        var sketch = PlanSketch("lacp-elsewhere", segments: ["a", "b", "c"], networks: networks)
        for host in 1...2 {
            let cards = zip(["eth1", "eth2", "eth3", "eth4"], ["a", "b", "c", "c"])
            sketch.node(
                "n-\(host)", role: "n", host: host, nics: cards.map { .init(name: $0, segment: $1, vlans: tagged) }, bond: .lacp,
                legs: ["eth3", "eth4"], vlans: [(200, "cluster")])
        }
        return DrawingCase(sketch)
    }

    /// No node and no switch.
    static var empty: DrawingCase { DrawingCase(PlanSketch("empty", segments: [], networks: [])) }

    /// Many nodes, on a chain of switches; every fifth has a bond with a leg on the next switch.
    static func big(nodes: Int, switches: Int, bonds: Bool) -> DrawingCase {
        let names = (1...switches).map { "rack-\($0)" }
        var sketch = PlanSketch("big-\(nodes)-\(switches)\(bonds ? "-bonds" : "")", segments: names, networks: networks)
        for number in 0..<nodes {
            let home = number * switches / nodes
            let isBonded = bonds && number % 5 == 0
            let nics =
                [PlanSketch.NIC(segment: names[home], vlans: tagged)]
                + (isBonded ? [.init(name: "eth2", segment: names[(home + 1) % switches], vlans: tagged)] : [])
            sketch.node(
                "node-\(number + 1)", role: "node", host: number + 1, nics: nics, bond: isBonded ? .activeBackup : nil,
                vlans: [(200, "cluster"), (100, "storage")])
        }
        for index in 1..<switches { sketch.trunk("up-\(index)", names[index - 1], names[index], tagged) }
        return DrawingCase(sketch)
    }
}
