import NetworkProfiles

/// A profile as its YAML, for round trips. Services and addresses that are written out are left out: random profiles have none.
struct ProfileText {
    let text: String

    init(_ profile: NetworkProfile) {
        var lines = ["name: \(profile.name)", "summary: \(profile.summary)", "mtu: \(profile.mtu)", "networks:"]
        for network in profile.networks {
            let prefixes = [network.ipv4.map { "ipv4: \($0)" }, network.ipv6.map { "ipv6: \"\($0)\"" }].compactMap { $0 }
            lines.append("  \(network.name): {\(prefixes.joined(separator: ", "))}")
        }
        lines.append("segments: {\(profile.segments.map { "\($0): {}" }.joined(separator: ", "))}")
        lines.append("trunks:")
        for trunk in profile.trunks {
            let between = trunk.segments.joined(separator: ", ")
            lines.append("  \(trunk.name): {between: [\(between)], vlans: \(trunk.vlans), untagged: \(trunk.untagged)}")
        }
        lines += Self.interfaces(profile.interfaces, "")
        lines.append("roles:")
        for role in profile.roles {
            lines += ["  \(role.name):", "    hosts: \(role.hosts.lowerBound)-\(role.hosts.upperBound)"]
            if let names = role.names { lines.append("    names: [\(names.joined(separator: ", "))]") }
            lines += Self.interfaces(role.interfaces, "    ")
        }
        lines.append("nodes:")
        for override in profile.overrides { lines += ["  \(override.node):"] + Self.interfaces(override.interfaces, "    ") }
        lines.append("impairments: [")
        for impairment in profile.impairments {
            let values = [("delay", impairment.delay), ("jitter", impairment.jitter), ("loss", impairment.loss)]
            lines.append("  {link: \(impairment.link)\(values.map { key, value in value.map { ", \(key): \($0)" } ?? "" }.joined())},")
        }
        lines.append("]")
        if let failure = profile.expectedFailure {
            lines.append("expectedFailure: {unreachable: [\(failure.unreachable.joined(separator: ", "))], reason: \(failure.reason)}")
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func interfaces(_ interfaces: NetworkProfile.Interfaces, _ indent: String) -> [String] {
        var lines: [String] = []
        func section(_ name: String, _ entries: [(String, [String?])]?) {
            guard let entries else { return }
            lines.append("\(indent)\(name):")
            for (name, values) in entries {
                lines.append("\(indent)  \(name): {\(values.compactMap { $0 }.joined(separator: ", "))}")
            }
        }
        func common(_ addressing: NetworkProfile.Addressing, _ mtu: Int?) -> [String?] {
            [addressing.network.map { "network: \($0)" }, mtu.map { "mtu: \($0)" }]
        }
        section(
            "nics",
            interfaces.nics?.map { nic in
                let port =
                    nic.port.tagged.isEmpty
                    ? nic.port.untagged.flatMap { $0 == 0 ? nil : "access: \($0)" }
                    : "trunk: \(nic.port.tagged)" + (nic.port.untagged.map { ", native: \($0)" } ?? "")
                let mac = nic.mac.map { "mac: \"\($0)\"" }
                return (nic.name, ["segment: \(nic.segment)", port, mac] + common(nic.addressing, nic.mtu))
            })
        section(
            "bonds",
            interfaces.bonds?.map { bond in
                let legs = "legs: [\(bond.legs.joined(separator: ", "))]"
                let times = "miimon: \(bond.miimon), upDelay: \(bond.upDelay), downDelay: \(bond.downDelay)"
                let options = [bond.primary.map { "primary: \($0)" }, bond.lacpRate.map { "lacpRate: \($0.rawValue)" }]
                return (bond.name, [legs, "mode: \(bond.mode.rawValue)", times] + options + common(bond.addressing, bond.mtu))
            })
        section(
            "vlans",
            interfaces.vlans?.map { ($0.name, ["link: \($0.parent)", "id: \($0.id)"] + common($0.addressing, $0.mtu)) })
        return lines
    }
}
