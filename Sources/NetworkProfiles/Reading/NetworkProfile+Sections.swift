/// From what was read to the profile. Keys that contradict each other cannot be said in the profile's types, so they are found here.
extension NetworkProfile {
    /// Keys that contradict each other.
    struct Contradiction {
        var path: String
        var what: String
        var why: String
        var remedy: String
    }

    static func profile(_ section: ProfileSection, _ source: ProfileSource) -> (NetworkProfile, [Contradiction]) {
        var found: [Contradiction] = []
        let profile = NetworkProfile(
            name: section.text("name") ?? "", summary: section.text("summary") ?? "", mtu: section.integer("mtu") ?? 1500,
            networks: (section.map("networks") ?? []).map {
                IPNetwork(name: $0.name, ipv4: $0.section.prefix("ipv4"), ipv6: $0.section.prefix("ipv6"))
            },
            segments: (section.map("segments") ?? []).map(\.name),
            trunks: (section.map("trunks") ?? []).map { name, section in
                Trunk(
                    name: name, segments: section.texts("between") ?? [], vlans: section.integers("vlans") ?? [],
                    untagged: section.boolean("untagged") ?? false)
            },
            interfaces: interfaces(section, &found),
            roles: (section.map("roles") ?? []).map { name, section in
                Role(
                    name: name, hosts: section.range("hosts") ?? 1...1, names: section.texts("names"),
                    interfaces: interfaces(section, &found))
            },
            overrides: (section.map("nodes") ?? []).map { Override(node: $0.name, interfaces: interfaces($0.section, &found)) },
            services: (section.map("services") ?? []).map { name, section in
                Service(
                    name: name, host: section.integer("host") ?? 0, image: section.text("image"),
                    memoryMiB: section.integer("memory") ?? 512,
                    vcpus: section.integer("cpus") ?? 1, interfaces: interfaces(section, &found),
                    dhcp: DHCP(
                        network: section.text("network") ?? "", pool: section.range("pool") ?? 1...1,
                        leaseSeconds: section.integer("leaseTime") ?? 43_200))
            },
            impairments: (section.list("impairments") ?? []).compactMap {
                guard case .section(let section) = $0 else { return nil }
                return Impairment(
                    link: section.text("link") ?? "", delay: section.number("delay"), jitter: section.number("jitter"),
                    loss: section.number("loss"), duplicate: section.number("duplicate"), bandwidth: section.number("bandwidth"))
            },
            expectedFailure: section.section("expectedFailure").map {
                ExpectedFailure(unreachable: $0.texts("unreachable") ?? [], reason: $0.text("reason") ?? "")
            },
            source: source)
        return (profile, found)
    }

    private static func interfaces(_ section: ProfileSection, _ found: inout [Contradiction]) -> Interfaces {
        Interfaces(
            nics: section.map("nics")?.map { name, section in
                NIC(
                    name: name, segment: section.text("segment") ?? "", port: port(name, section, &found),
                    portNumber: section.integer("port"),
                    mac: section.text("mac"), addressing: addressing(name, section, &found), mtu: section.integer("mtu"))
            },
            bonds: section.map("bonds")?.map { name, section in
                Bond(
                    name: name, legs: section.texts("legs") ?? [], mode: section.text("mode").flatMap(Bond.Mode.init) ?? .activeBackup,
                    primary: section.text("primary"), primaryReselect: section.text("primaryReselect").flatMap(Bond.Reselect.init),
                    miimon: section.integer("miimon") ?? 100, upDelay: section.integer("upDelay") ?? 0,
                    downDelay: section.integer("downDelay") ?? 0, lacpRate: section.text("lacpRate").flatMap(Bond.LACPRate.init),
                    addressing: addressing(name, section, &found), mtu: section.integer("mtu"))
            },
            vlans: section.map("vlans")?.map { name, section in
                VLAN(
                    name: name, parent: section.text("link") ?? "", id: section.integer("id") ?? 0,
                    addressing: addressing(name, section, &found), mtu: section.integer("mtu"))
            })
    }

    private static func port(_ name: String, _ section: ProfileSection, _ found: inout [Contradiction]) -> PortVLANs {
        let (access, trunk, native) = (section.integer("access"), section.integers("trunk"), section.integer("native"))
        if access != nil, trunk != nil {
            found.append(
                Contradiction(
                    path: "\(section.path).access", what: "network card \(name) has both 'access' and 'trunk'",
                    why: "an access port is in one VLAN, without a tag; a trunk carries tags",
                    remedy: "remove one of them; the VLAN without a tag of a trunk is its 'native'"))
        }
        if access == 0 {
            found.append(
                Contradiction(
                    path: "\(section.path).access", what: "network card \(name) has the access VLAN 0",
                    why: "vde_switch has the VLANs 1 to 4093; 0 means a frame that is in no VLAN",
                    remedy: "remove 'access': without it the port is in no VLAN"))
        }
        if native != nil, trunk == nil {
            found.append(
                Contradiction(
                    path: "\(section.path).native", what: "network card \(name) has 'native' without 'trunk'",
                    why: "native is the VLAN without a tag on a port that carries tags too",
                    remedy: access == nil
                        ? "write `access: \(native ?? 0)`, or add 'trunk'" : "remove it, or add 'trunk' in place of 'access'"))
        }
        if let trunk {
            if trunk.isEmpty {
                found.append(
                    Contradiction(
                        path: "\(section.path).trunk", what: "network card \(name) has a trunk without VLANs",
                        why: "such a port carries nothing",
                        remedy: "list the VLANs, or remove 'trunk' for a port without VLANs"))
            }
            return .trunk(trunk, native: native)
        }
        return access.map(PortVLANs.access) ?? .plain
    }

    private static func addressing(_ name: String, _ section: ProfileSection, _ found: inout [Contradiction]) -> Addressing {
        let (network, fixed, dhcp) = (section.text("network"), section.prefixes("address"), section.boolean("dhcp") ?? false)
        if fixed != nil, dhcp {
            found.append(
                Contradiction(
                    path: "\(section.path).dhcp", what: "interface \(name) has both 'address' and 'dhcp'",
                    why: "by DHCP it gets the address of its node's host number", remedy: "remove one of them"))
        }
        guard let network else {
            if fixed != nil || dhcp {
                let key = dhcp ? "dhcp" : "address"
                found.append(
                    Contradiction(
                        path: "\(section.path).\(key)", what: "interface \(name) has '\(key)' without 'network'",
                        why: "every address is in one of the profile's networks", remedy: "add `network: NAME`"))
            }
            return .none
        }
        if let fixed { return .fixed(network: network, fixed) }
        return dhcp ? .dhcp(network: network) : .host(network: network)
    }
}
