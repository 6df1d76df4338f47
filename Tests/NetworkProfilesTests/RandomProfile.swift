import NetworkProfiles

/// A random profile that is right, and what its author meant by it.
struct RandomProfile {
    var profile: NetworkProfile
    /// Networks whose nodes do not reach each other.
    var severed: Set<String> = []

    private typealias Profile = NetworkProfile

    init(using generator: inout SeededGenerator) {
        let segments = (0..<Int.random(in: 1...4, using: &generator)).map { "lan-\($0)" }
        let networks = (0..<Int.random(in: 1...3, using: &generator)).map { index in
            let hasIPv6 = Bool.random(using: &generator)
            return Profile.IPNetwork(
                name: "net\(index)", ipv4: IPPrefix("10.\(index).0.0/16"), ipv6: hasIPv6 ? IPPrefix("fd00:\(index)::/64") : nil)
        }
        profile = Profile(name: "random", summary: "Made by chance.", networks: networks, segments: segments, roles: [])
        // VLAN 100 + n is network n; a severed network has a VLAN for each node: 1000 (n + 1) + host.
        if Int.random(in: 0..<4, using: &generator) == 0, let network = networks.randomElement(using: &generator) {
            severed = [network.name]
        }
        var host = 1
        for index in 0..<Int.random(in: 1...3, using: &generator) {
            let count = Int.random(in: severed.isEmpty ? 1...5 : 2...5, using: &generator)
            let role = "role\(index)"
            let hosts = host...(host + count - 1)
            host += count + Int.random(in: 0...2, using: &generator)
            let names = Bool.random(using: &generator) ? hosts.map { "\(role)x\($0)" } : nil
            profile.roles.append(Profile.Role(name: role, hosts: hosts, names: names))
        }
        for index in profile.roles.indices { attach(index, using: &generator) }
        for index in segments.indices.dropFirst() {
            let far = segments[Int.random(in: 0..<index, using: &generator)]
            profile.trunks.append(
                Profile.Trunk(
                    name: "t\(index)", segments: [segments[index], far], vlans: networks.indices.map { 100 + $0 },
                    untagged: Bool.random(using: &generator)))
        }
        if !severed.isEmpty { profile.expectedFailure = Profile.ExpectedFailure(unreachable: severed.sorted(), reason: "by chance") }
        for node in profile.nodeNames where Int.random(in: 0..<6, using: &generator) == 0 {
            profile.impairments.append(Profile.Impairment(link: "\(node).eth1", delay: 5, jitter: 1.5))
        }
    }

    /// Gives a role its interfaces: cards on access ports, VLAN interfaces on one card, or VLAN interfaces on a bond.
    private mutating func attach(_ index: Int, using generator: inout SeededGenerator) {
        let role = profile.roles[index]
        func segment() -> String { profile.segments.randomElement(using: &generator) ?? "" }
        var carried = profile.networks.indices.map { 100 + $0 }
        let severedIndex = profile.networks.firstIndex { severed.contains($0.name) }
        if let severedIndex { carried += profile.roles.flatMap { $0.hosts.map { 1000 * (severedIndex + 1) + $0 } } }
        func vlans(on parent: String, host: Int?) -> [Profile.VLAN] {
            profile.networks.enumerated().map { number, network in
                let isSevered = number == severedIndex
                let id = isSevered ? 1000 * (number + 1) + (host ?? role.hosts.lowerBound) : 100 + number
                return Profile.VLAN(name: "\(parent).v\(number)", parent: parent, id: id, addressing: .host(network: network.name))
            }
        }
        let style = severed.isEmpty ? Int.random(in: 0...2, using: &generator) : 1
        switch style {
        case 0:
            profile.roles[index].interfaces.nics = profile.networks.enumerated().map { number, network in
                Profile.NIC(
                    name: "eth\(number + 1)", segment: segment(), port: .access(100 + number), addressing: .host(network: network.name))
            }
        case 1:
            profile.roles[index].interfaces.nics = [Profile.NIC(name: "eth1", segment: segment(), port: .trunk(carried))]
            profile.roles[index].interfaces.vlans = vlans(on: "eth1", host: nil)
            guard severedIndex != nil else { break }
            for (offset, host) in role.hosts.enumerated() {
                let name = role.names?[offset] ?? "\(role.name)-\(offset + 1)"
                profile.overrides.append(Profile.Override(node: name, interfaces: .init(vlans: vlans(on: "eth1", host: host))))
            }
        default:
            profile.roles[index].interfaces.nics = ["eth1", "eth2"].map {
                Profile.NIC(name: $0, segment: segment(), port: .trunk(carried))
            }
            profile.roles[index].interfaces.bonds = [
                Profile.Bond(
                    name: "bond0", legs: ["eth1", "eth2"], primary: Bool.random(using: &generator) ? "eth2" : nil, miimon: 50, upDelay: 150,
                    downDelay: 50)
            ]
            profile.roles[index].interfaces.vlans = vlans(on: "bond0", host: nil)
        }
    }
}
