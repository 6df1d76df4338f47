extension ProfileCheck {
    /// The file is found by the profile's name, so both must agree.
    mutating func fileName() {
        guard let file = profile.source.file, let last = file.split(separator: "/").last else { return }
        guard last != "\(profile.name).yaml" else { return }
        report(
            "name", "the profile is called '\(profile.name)' in the file \(last)", why: "a profile is found by the name of its file",
            remedy: "call the file \(profile.name).yaml, or change the name")
    }

    mutating func names() {
        name(profile.name, of: "profile", "name")
        mtu(profile.mtu, "mtu", "the profile's MTU")
        unique(profile.networks.map(\.name), of: "network", "networks")
        unique(profile.segments, of: "segment", "segments")
        unique(profile.trunks.map(\.name), of: "trunk", "trunks")
        unique(profile.roles.map(\.name), of: "role", "roles")
        unique(profile.services.map(\.name), of: "service", "services")
        if profile.segments.isEmpty, profile.interfaces.nics != nil {
            broken("segments", "the profile has no segment", why: "network cards plug into segments", remedy: "add for example `lan: {}`")
        }
    }

    /// Names of one kind: each acceptable, and none there twice. Host names and files of some systems are the same whatever their case is.
    private mutating func unique(_ names: [String], of kind: String, _ path: String) {
        var seen: [String: String] = [:]
        for name in names {
            self.name(name, of: kind, "\(path).\(name)")
            if let other = seen.updateValue(name, forKey: name.lowercased()) {
                broken(
                    "\(path).\(name)", "two \(kind)s are called '\(name)'",
                    why: other == name
                        ? "each has a name of its own" : "the other is written '\(other)', and case does not tell names apart",
                    remedy: "choose another name for one of them")
            }
        }
    }

    mutating func name(_ name: String, of kind: String, _ path: String) {
        guard !NetworkProfile.Limits.isName(name) else { return }
        broken(
            path, "\(kind) name '\(name.prefix(80))' is not acceptable",
            why: "it becomes a host name and a file name: 1 to 32 letters, digits and '-', the latter not first or last",
            remedy: "choose another name")
    }

    /// Roles, their host numbers and names, and the overrides of single nodes.
    mutating func nodes() {
        if profile.roles.isEmpty {
            broken("roles", "the profile has no nodes", why: "roles make them", remedy: "add for example `roles: {server: {hosts: 1-2}}`")
        }
        let count = profile.roles.reduce(profile.services.count) { $0 + $1.hosts.count }
        if count > NetworkProfile.Limits.nodes {
            broken(
                "roles", "the profile has \(count) nodes", why: "a profile has at most \(NetworkProfile.Limits.nodes)",
                remedy: "shorten the ranges of hosts")
        }
        for role in profile.roles { names(of: role) }
        var places: [String: (name: String, path: String)] = [:]
        for member in members.nodes {
            // A name that is made of the role's is wrong for the role's reason.
            if member.service == nil, NetworkProfile.Limits.isName(member.role) { name(member.name, of: "node", member.path) }
            guard let other = places.updateValue((member.name, member.path), forKey: member.name.lowercased()) else { continue }
            broken(
                member.path, "two nodes are called '\(member.name)'",
                why: "the other is '\(other.name)' of \(other.path), and names are the same whatever their case is",
                remedy: "choose other names for one of the roles")
        }
        let known = members.nodes.filter { $0.service == nil }.map(\.name)
        let nodes = Set(known)
        var overridden: Set<String> = []
        for override in profile.overrides {
            let path = "nodes.\(override.node)"
            if !overridden.insert(override.node).inserted { broken(path, "node \(override.node) is there twice", remedy: "join the two") }
            guard !nodes.contains(override.node) else { continue }
            if profile.services.contains(where: { $0.name == override.node }) {
                broken(
                    path, "'\(override.node)' is a service and no node of a role",
                    why: "a service has its interfaces in services.\(override.node)",
                    remedy: "move them there")
            } else {
                unknown(
                    path, "no role has the node '\(override.node)'", override.node, in: known, of: "node",
                    remedy: "use one of these, or extend the hosts of a role")
            }
        }
    }

    private mutating func names(of role: NetworkProfile.Role) {
        guard let names = role.names, names.count != role.hosts.count else { return }
        broken(
            "roles.\(role.name).names",
            "role \(role.name) has \(role.hosts.count) \(role.hosts.count == 1 ? "host" : "hosts"), but \(names.count) \(names.count == 1 ? "name" : "names")",
            why: "hosts are \(role.hosts.text), names are \(names.isEmpty ? "none" : NearName.list(names))",
            remedy: "give each host one name, or remove 'names'")
    }

    /// Host numbers: each once, and small enough for every network that the node is in.
    mutating func hosts() {
        var owners: [Int: String] = [:]
        let networks = Dictionary(profile.networks.map { ($0.name, $0) }) { first, _ in first }
        var told: Set<String> = []
        for member in members.nodes {
            let path = member.path + (member.service == nil ? ".hosts" : ".host")
            range(member.host, NetworkProfile.Limits.hosts, path, "the host number of \(member.name)")
            if let other = owners.updateValue(member.name, forKey: member.host), told.insert(path).inserted {
                report(
                    path, "\(other) and \(member.name) have the same host number \(member.host)",
                    why: "it is the last part of a node's addresses, so they would have the same address in every network",
                    remedy: "choose another number for \(member.name)")
            }
            for interface in members.layouts[member.layout].all {
                guard interface.addressing.usesHost, let network = interface.addressing.network.flatMap({ networks[$0] }) else { continue }
                for prefix in [network.ipv4, network.ipv6] {
                    guard let prefix, member.host > 0, prefix.host(member.host) == nil, told.insert("\(path) \(prefix)").inserted else {
                        continue
                    }
                    report(
                        path, "host number \(member.host) of \(member.name) does not fit network \(network.name)",
                        why: "\(prefix) has hosts 1 to \(prefix.lastHost)", remedy: "choose a smaller number, or a shorter prefix")
                }
            }
        }
    }
}

extension ClosedRange<Int> {
    /// `3` or `1-4`, as it is written in a profile.
    var text: String { lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound)-\(upperBound)" }
}

extension IPPrefix {
    /// The number of its last host; 0 when it has none.
    var lastHost: Int {
        let bits = bytes.count * 8 - length
        return bits >= 62 ? Int.max : max(0, (1 << bits) - (isIPv6 ? 1 : 2))
    }
}
