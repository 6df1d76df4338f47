extension ProfileCheck {
    /// Service nodes and what they serve.
    mutating func services() {
        var served: [String: String] = [:]
        for service in profile.services { check(service, &served) }
    }

    private mutating func check(_ service: NetworkProfile.Service, _ served: inout [String: String]) {
        let path = "services.\(service.name)"
        let limits = NetworkProfile.Limits.self
        range(service.memoryMiB, limits.memoryMiB, "\(path).memory", "the memory of service \(service.name) in MiB")
        range(service.vcpus, limits.vcpus, "\(path).cpus", "the number of processors of service \(service.name)")
        range(
            service.dhcp.leaseSeconds, limits.leaseSeconds, "\(path).leaseTime", "the lease time of service \(service.name) in seconds",
            why: "dnsmasq takes no less than two minutes, and a year is enough")
        let name = service.dhcp.network
        if let other = served.updateValue(service.name, forKey: name) {
            report(
                "\(path).network", "services \(other) and \(service.name) both serve network \(name)",
                why: "a client takes whatever answer comes first", remedy: "remove one of them")
        }
        guard let network = profile.networks.first(where: { $0.name == name }) else {
            unknown(
                "\(path).network", "service \(service.name) serves the unknown network '\(name)'", name, in: profile.networks.map(\.name),
                of: "network")
            return
        }
        guard let prefix = network.ipv4 else {
            report(
                "\(path).network", "service \(service.name) serves network \(name), which has no IPv4 prefix",
                why: "DHCP gives IPv4 addresses",
                remedy: "give the network an 'ipv4'")
            return
        }
        let own = (service.interfaces.nics?.map(\.addressing) ?? []) + (service.interfaces.bonds?.map(\.addressing) ?? [])
        let all = own + (service.interfaces.vlans?.map(\.addressing) ?? [])
        if let addressing = all.first(where: { $0.network == name }) {
            if case .dhcp = addressing {
                report(
                    path, "service \(service.name) asks for its own address by DHCP", why: "nobody serves network \(name) before it does",
                    remedy: "remove 'dhcp' from its interface")
            }
        } else {
            broken(
                path, "service \(service.name) has no interface in network \(name)",
                why: "it serves on the interface that has `network: \(name)`",
                remedy: "add for example `nics: {eth1: {segment: \(profile.segments.first ?? "lan"), network: \(name)}}`")
        }
        pool(service, network, prefix)
    }

    /// The pool is in the network, and nobody who has an address of his own is in it.
    private mutating func pool(_ service: NetworkProfile.Service, _ network: NetworkProfile.IPNetwork, _ prefix: IPPrefix) {
        let path = "services.\(service.name).pool"
        let pool = service.dhcp.pool
        guard let start = prefix.host(pool.lowerBound), let end = prefix.host(pool.upperBound) else {
            report(
                path, "the pool \(pool.text) of service \(service.name) does not fit network \(network.name)",
                why: "\(prefix) has hosts 1 to \(prefix.lastHost)", remedy: "choose numbers in it")
            return
        }
        for member in members.nodes {
            for interface in members.layouts[member.layout].all where interface.addressing.network == network.name {
                let address: IPPrefix?
                if case .fixed(_, let fixed) = interface.addressing {
                    address = fixed.first { !$0.isIPv6 && Self.isBetween($0, start, end) }
                } else {
                    address = pool.contains(member.host) ? prefix.host(member.host) : nil
                }
                guard let address else { continue }
                report(
                    path,
                    member.name == service.name
                        ? "the pool \(pool.text) of service \(service.name) contains its own address"
                        : "the pool \(pool.text) of service \(service.name) contains the address of \(member.name)",
                    why: "\(member.name) has \(address.address)", remedy: "choose a pool beside the nodes' host numbers")
                return
            }
        }
    }

    private static func isBetween(_ address: IPPrefix, _ start: IPPrefix, _ end: IPPrefix) -> Bool {
        !address.bytes.lexicographicallyPrecedes(start.bytes) && !end.bytes.lexicographicallyPrecedes(address.bytes)
    }

    /// What is done to frames: on links that there are, by numbers that make sense.
    mutating func impairments() {
        var seen: Set<String> = []
        let layouts = Dictionary(members.nodes.map { ($0.name, $0.layout) }) { first, _ in first }
        for (index, impairment) in profile.impairments.enumerated() {
            let path = "impairments[\(index)]"
            let link = impairment.link
            if !seen.insert(link).inserted {
                report(
                    "\(path).link", "link \(link) is impaired twice", why: "a link has one set of values", remedy: "join the two entries")
            }
            check(link: impairment, "\(path).link", layouts)
            values(impairment, path)
        }
    }

    private mutating func check(link impairment: NetworkProfile.Impairment, _ path: String, _ layouts: [String: Int]) {
        let link = impairment.link
        let trunks = profile.trunks.map(\.name)
        guard let node = impairment.node, let nic = impairment.nic else {
            guard !trunks.contains(link) else { return }
            unknown(
                path, "there is no trunk called '\(link)' to impair", link, in: trunks, of: "trunk",
                remedy: "name a trunk, or a network card as NODE.NIC")
            return
        }
        guard let index = layouts[node] else {
            unknown(path, "there is no node '\(node)' for the link \(link)", node, in: members.nodes.map(\.name), of: "node")
            return
        }
        let layout = members.layouts[index]
        guard !layout.nics.contains(where: { $0.name == nic }) else { return }
        let cards = layout.nics.map(\.name)
        guard layout.all.contains(where: { $0.name == nic }) else {
            unknown(path, "node \(node) has no network card '\(nic)' for the link \(link)", nic, in: cards, of: "network card")
            return
        }
        report(
            path, "\(nic) of \(link) is no network card", why: "frames are impaired on cables; bonds and VLAN interfaces have none",
            remedy: "name a network card: \(NearName.list(cards.map { "\(node).\($0)" }))")
    }

    private mutating func values(_ impairment: NetworkProfile.Impairment, _ path: String) {
        let limits = NetworkProfile.Limits.self
        let values: [(key: String, value: Double?, range: ClosedRange<Double>, unit: String)] = [
            ("delay", impairment.delay, limits.delay, "ms"), ("jitter", impairment.jitter, limits.delay, "ms"),
            ("loss", impairment.loss, limits.percent, "%"), ("duplicate", impairment.duplicate, limits.percent, "%"),
            ("bandwidth", impairment.bandwidth, limits.bandwidth, "Mbit/s"),
        ]
        for (key, value, range, unit) in values {
            guard let value, !range.contains(value) else { continue }
            report(
                "\(path).\(key)", "\(key) of link \(impairment.link) is \(value.text) \(unit)",
                why: "it is \(range.lowerBound.text) to \(range.upperBound.text) \(unit)", remedy: "choose a number in that range")
        }
        if values.allSatisfy({ $0.value == nil }) {
            report(
                path, "the impairment of link \(impairment.link) does nothing",
                why: "it has none of delay, jitter, loss, duplicate, bandwidth",
                remedy: "add one, or remove it")
        }
        guard let jitter = impairment.jitter else { return }
        if let delay = impairment.delay {
            guard jitter > delay else { return }
            report(
                "\(path).jitter", "jitter of link \(impairment.link) is \(jitter.text) ms, more than its delay of \(delay.text) ms",
                why: "the delay varies by it up and down, and none is below 0", remedy: "choose at most \(delay.text)")
        } else {
            report(
                "\(path).jitter", "link \(impairment.link) has jitter without delay", why: "jitter is how far the delay varies",
                remedy: "add a delay of at least \(jitter.text)")
        }
    }
}

extension Double {
    /// A number as it is written in a profile.
    var text: String { rounded() == self && magnitude < 1e15 ? "\(Int(self))" : "\(self)" }
}
