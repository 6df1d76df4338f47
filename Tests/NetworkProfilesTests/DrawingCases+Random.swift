import NetworkProfiles

extension DrawingCase {
    /// Plans of any shape: switches joined by a tree of trunks, nodes with cards anywhere, names and addresses of any length.
    static let random: [DrawingCase] = {
        var (seed, generator) = SeededGenerator.ofRun
        return (0..<40).map { number in .random("random-\(seed)-\(number)", &generator) }
    }()

    private static func random(_ name: String, _ generator: inout SeededGenerator) -> DrawingCase {
        func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        let segments = (1...pick(1...6)).map { "s\($0)" + String(repeating: "x", count: pick(0...9)) }
        let dual: String? = pick(0...1) == 1 ? "fd00:1234:5678::/64" : nil
        var sketch = PlanSketch(
            name, segments: segments, networks: [("cluster", "10.0.0.0/16", dual), ("storage", "172.16.128.0/20", nil)])
        let vlans = Array(Set((0..<pick(1...7)).map { _ in pick(1...4093) })).sorted()
        func port() -> PortVLANs {
            switch pick(0...3) {
            case 0: .plain
            case 1: .access(vlans[pick(0...(vlans.count - 1))])
            case 2: .trunk(vlans)
            default: .trunk(vlans.filter { _ in pick(0...1) == 1 }, native: 0)
            }
        }
        // Trunks come before, between or after the cards, so that port numbers mix.
        for index in segments.indices.dropFirst() where pick(0...4) > 0 {
            sketch.trunk("t\(index)", segments[pick(0...(index - 1))], segments[index], port())
        }
        for host in 1...pick(1...(pick(0...3) == 0 ? 40 : 9)) {
            let cards = pick(0...3)
            let bond: NetworkProfile.Bond.Mode? = cards > 1 && pick(0...1) == 1 ? .activeBackup : nil
            let home = pick(0...(segments.count - 1))
            let nics = (0..<cards).map { index in
                PlanSketch.NIC(
                    name: "eth\(index + 1)", segment: segments[min(max(home + pick(-1...1), 0), segments.count - 1)], vlans: port(),
                    network: bond == nil && pick(0...1) == 1 ? "cluster" : nil, mtu: pick(0...2) == 0 ? 9000 : 1500, dhcp: false)
            }
            let chosen = cards == 0 ? [] : vlans.shuffled(using: &generator).prefix(pick(0...3))
            sketch.node(
                "n\(host)" + String(repeating: "y", count: pick(0...8)), role: "role", host: host, nics: nics, bond: bond,
                vlans: chosen.map { ($0, pick(0...1) == 0 ? "cluster" : "storage") })
            for nic in nics where pick(0...5) == 0 {
                sketch.plan.impairments.append(.init(link: "\(sketch.plan.nodes[host - 1].name).\(nic.name)", delay: 5, loss: 1.5))
            }
        }
        for trunk in sketch.plan.trunks where pick(0...3) == 0 {
            sketch.plan.impairments.append(.init(link: trunk.name, delay: 20, jitter: 3))
        }
        return DrawingCase(sketch)
    }
}
