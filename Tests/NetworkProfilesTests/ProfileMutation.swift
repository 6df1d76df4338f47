import NetworkProfiles

/// One mistake put into a good profile, and the name that a message about it must have.
struct ProfileMutation: Sendable {
    var title: String
    /// Makes the mistake; nil where the profile has nothing to make it with.
    var apply: @Sendable (inout NetworkProfile, inout SeededGenerator) -> String?

    static let all: [ProfileMutation] = [
        ProfileMutation(title: "unknown segment") { profile, generator in
            nic(&profile, &generator) { $0.segment = "nowhere" }.map { _ in "nowhere" }
        },
        ProfileMutation(title: "VLAN that no port carries") { profile, generator in vlan(&profile, &generator) { $0.id = 4000 } },
        ProfileMutation(title: "VLAN out of range") { profile, generator in vlan(&profile, &generator) { $0.id = 4094 } },
        ProfileMutation(title: "unknown parent") { profile, generator in
            vlan(&profile, &generator) { $0.parent = "eth77" }.map { _ in "eth77" }
        },
        ProfileMutation(title: "unknown network") { profile, generator in
            nic(&profile, &generator) { $0.addressing = .host(network: "elsewhere") }.map { _ in "elsewhere" }
        },
        ProfileMutation(title: "port that drops what is needed") { profile, generator in
            nic(&profile, &generator) { $0.port = .trunk([3999]) }
        },
        ProfileMutation(title: "host numbers twice") { profile, _ in
            guard profile.roles.count > 1 else { return nil }
            let count = profile.roles[1].hosts.count
            profile.roles[1].hosts = profile.roles[0].hosts.lowerBound...(profile.roles[0].hosts.lowerBound + count - 1)
            return profile.roles[1].names?[0] ?? "\(profile.roles[1].name)-1"
        },
        ProfileMutation(title: "host number that does not fit") { profile, _ in
            guard profile.roles.count == 1 else { return nil }
            profile.roles[0].hosts = 65_534...(65_533 + profile.roles[0].hosts.count)
            return profile.roles[0].hosts.count == 1 ? nil : "65535"
        },
        ProfileMutation(title: "trunk that closes a loop") { profile, generator in
            guard profile.segments.count > 2, let from = profile.segments.randomElement(using: &generator) else { return nil }
            let to = profile.segments.filter { $0 != from }.randomElement(using: &generator) ?? ""
            profile.trunks.append(NetworkProfile.Trunk(name: "extra", segments: [from, to], vlans: [3000]))
            return "extra"
        },
        ProfileMutation(title: "primary that is no leg") { profile, generator in bond(&profile, &generator) { $0.primary = "eth9" } },
        ProfileMutation(title: "one leg") { profile, generator in bond(&profile, &generator) { $0.legs.removeLast() } },
        ProfileMutation(title: "delay that is no multiple") { profile, generator in bond(&profile, &generator) { $0.upDelay = 151 } },
        ProfileMutation(title: "option of another mode") { profile, generator in bond(&profile, &generator) { $0.lacpRate = .fast } },
        ProfileMutation(title: "names that differ in case") { profile, _ in
            profile.segments.append(profile.segments[0].uppercased())
            return profile.segments[0].uppercased()
        },
        ProfileMutation(title: "MTU above the parent's") { profile, generator in
            profile.mtu = 1400
            return vlan(&profile, &generator) { $0.mtu = 1450 }
        },
        ProfileMutation(title: "networks that overlap") { profile, _ in
            profile.networks.append(NetworkProfile.IPNetwork(name: "over", ipv4: IPPrefix("10.0.128.0/17")))
            return "over"
        },
        ProfileMutation(title: "impairment of nothing") { profile, _ in
            profile.impairments.append(NetworkProfile.Impairment(link: "ghost.eth1", loss: 1))
            return "ghost"
        },
        ProfileMutation(title: "override of nothing") { profile, _ in
            profile.overrides.append(NetworkProfile.Override(node: "ghost", interfaces: .init(nics: [])))
            return "ghost"
        },
        ProfileMutation(title: "group address") { profile, generator in
            nic(&profile, &generator) { $0.mac = "03:00:00:00:00:01" }.map { _ in "03:00:00:00:00:01" }
        },
        ProfileMutation(title: "long name") { profile, generator in
            vlan(&profile, &generator) { $0.name = "a-name-of-17-byte" }.map { _ in "a-name-of-17-byte" }
        },
        ProfileMutation(title: "failure that is none") { profile, _ in
            guard profile.expectedFailure == nil else { return nil }
            profile.expectedFailure = NetworkProfile.ExpectedFailure(unreachable: ["net0"], reason: "none")
            return "net0"
        },
        ProfileMutation(title: "failure that nobody expects") { profile, _ in
            defer { profile.expectedFailure = nil }
            return profile.expectedFailure?.unreachable.first
        },
    ]

    private static func nic(
        _ profile: inout NetworkProfile, _ generator: inout SeededGenerator, _ change: (inout NetworkProfile.NIC) -> Void
    ) -> String? {
        let index = Int.random(in: profile.roles.indices, using: &generator)
        guard let count = profile.roles[index].interfaces.nics?.count, count > 0 else { return nil }
        let place = Int.random(in: 0..<count, using: &generator)
        let name = profile.roles[index].interfaces.nics?[place].name
        if var nic = profile.roles[index].interfaces.nics?[place] {
            change(&nic)
            profile.roles[index].interfaces.nics?[place] = nic
        }
        return name
    }

    private static func bond(
        _ profile: inout NetworkProfile, _ generator: inout SeededGenerator, _ change: (inout NetworkProfile.Bond) -> Void
    ) -> String? {
        guard let index = profile.roles.indices.filter({ profile.roles[$0].interfaces.bonds != nil }).randomElement(using: &generator),
            var bond = profile.roles[index].interfaces.bonds?[0]
        else { return nil }
        change(&bond)
        profile.roles[index].interfaces.bonds?[0] = bond
        return bond.name
    }

    /// Roles whose nodes all have VLAN interfaces of their own are left out: there a change would have no effect.
    private static func vlan(
        _ profile: inout NetworkProfile, _ generator: inout SeededGenerator, _ change: (inout NetworkProfile.VLAN) -> Void
    ) -> String? {
        guard profile.overrides.isEmpty,
            let index = profile.roles.indices.filter({ profile.roles[$0].interfaces.vlans != nil }).randomElement(using: &generator),
            let count = profile.roles[index].interfaces.vlans?.count
        else { return nil }
        let place = Int.random(in: 0..<count, using: &generator)
        guard var vlan = profile.roles[index].interfaces.vlans?[place] else { return nil }
        let name = vlan.name
        change(&vlan)
        profile.roles[index].interfaces.vlans?[place] = vlan
        return name
    }
}
