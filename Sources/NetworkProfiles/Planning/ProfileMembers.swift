/// The nodes that a profile makes, and what interfaces each has.
struct ProfileMembers {
    /// What one or more nodes have, with the place of each part in the profile.
    struct Layout {
        var nics: [NetworkProfile.NIC]
        var bonds: [NetworkProfile.Bond]
        var vlans: [NetworkProfile.VLAN]
        var nicsPath: String
        var bondsPath: String
        var vlansPath: String
        /// Whose it is, for messages: empty for what the profile says for all.
        var owner: String
        /// All interfaces: network cards, bonds, VLAN interfaces.
        var all: [Interface] = []
        /// The nodes that have it, by their place among the members.
        var nodes: [Int] = []
    }

    /// One node.
    struct Member {
        var name: String
        var role: String
        var host: Int
        /// Where it is made, as a path of keys.
        var path: String
        /// Its layout, by its place among the layouts.
        var layout: Int
        /// What it serves; nil for a node of the cluster.
        var service: NetworkProfile.Service?
    }

    private(set) var layouts: [Layout] = []
    /// Services first, then the roles' nodes in order.
    private(set) var nodes: [Member] = []
    private var layoutOfPaths: [[String]: Int] = [:]

    /// A role of more nodes than ``NetworkProfile/Limits/nodes`` is cut off there; the check says so.
    init(_ profile: NetworkProfile) {
        for service in profile.services {
            let path = "services.\(service.name)"
            let sources = [(service.interfaces, path)]
            add(
                Member(name: service.name, role: "service", host: service.host, path: path, layout: 0, service: service), sources,
                owner: " of service \(service.name)")
        }
        let overrides = Dictionary(profile.overrides.map { ($0.node, $0.interfaces) }) { first, _ in first }
        for role in profile.roles {
            let path = "roles.\(role.name)"
            for (index, host) in role.hosts.prefix(NetworkProfile.Limits.nodes + 1).enumerated() {
                let name = role.name(at: index)
                var sources = [(role.interfaces, path), (profile.interfaces, "")]
                var owner = role.interfaces == NetworkProfile.Interfaces() ? "" : " of role \(role.name)"
                if let own = overrides[name] {
                    sources.insert((own, "nodes.\(name)"), at: 0)
                    owner = " of node \(name)"
                }
                add(Member(name: name, role: role.name, host: host, path: path, layout: 0), sources, owner: owner)
            }
        }
    }

    private mutating func add(_ member: Member, _ sources: [(interfaces: NetworkProfile.Interfaces, path: String)], owner: String) {
        func path(_ part: String, _ isGiven: (NetworkProfile.Interfaces) -> Bool) -> String {
            let source = (sources.first { isGiven($0.interfaces) } ?? sources[sources.count - 1]).path
            return source.isEmpty ? part : "\(source).\(part)"
        }
        let paths = [path("nics") { $0.nics != nil }, path("bonds") { $0.bonds != nil }, path("vlans") { $0.vlans != nil }]
        var member = member
        if let known = layoutOfPaths[paths] {
            member.layout = known
        } else {
            member.layout = layouts.count
            layoutOfPaths[paths] = layouts.count
            layouts.append(
                Layout(
                    nics: sources.lazy.compactMap(\.interfaces.nics).first ?? [],
                    bonds: sources.lazy.compactMap(\.interfaces.bonds).first ?? [],
                    vlans: sources.lazy.compactMap(\.interfaces.vlans).first ?? [], nicsPath: paths[0], bondsPath: paths[1],
                    vlansPath: paths[2], owner: owner))
            layouts[member.layout].all = layouts[member.layout].made
        }
        layouts[member.layout].nodes.append(nodes.count)
        nodes.append(member)
    }
}

extension NetworkProfile.Role {
    /// The name of its node at an index from 0.
    func name(at index: Int) -> String {
        if let names, names.indices.contains(index) { return names[index] }
        return "\(name)-\(index + 1)"
    }
}

extension NetworkProfile {
    /// The names of the nodes in the order of their roles, without services.
    public var nodeNames: [String] {
        roles.flatMap { role in role.hosts.prefix(Limits.nodes).indices.enumerated().map { role.name(at: $0.offset) } }
    }
}
