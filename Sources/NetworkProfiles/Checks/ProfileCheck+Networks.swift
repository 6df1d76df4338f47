extension ProfileCheck {
    /// The IP networks: each has a prefix, and none shares addresses with another.
    mutating func networks() {
        var prefixes: [(prefix: IPPrefix, network: String, path: String)] = []
        for network in profile.networks {
            let path = "networks.\(network.name)"
            if network.ipv4 == nil, network.ipv6 == nil {
                report(
                    path, "network \(network.name) has no prefix", why: "its nodes would have no address in it",
                    remedy: "add for example `ipv4: 192.168.1.0/24`")
            }
            for (key, prefix) in [("ipv4", network.ipv4), ("ipv6", network.ipv6)] {
                guard let prefix else { continue }
                if prefix != prefix.network {
                    report(
                        "\(path).\(key)", "\(prefix) of network \(network.name) is a host and no network",
                        why: "bits behind the prefix are set", remedy: "did you mean \(prefix.network)?")
                }
                if prefix.isIPv6 != (key == "ipv6") {
                    report(
                        "\(path).\(key)", "\(prefix) of network \(network.name) is not of the family \(key)",
                        remedy: "move it to the other key")
                }
                prefixes.append((prefix.network, network.name, "\(path).\(key)"))
            }
        }
        // Two prefixes are disjoint or one holds the other, so in this order a prefix overlaps the last one that was not inside another, or none.
        let sorted = prefixes.enumerated().sorted { one, other in
            let (first, second) = (one.element.prefix, other.element.prefix)
            if first.bytes.count != second.bytes.count { return first.bytes.count < second.bytes.count }
            if first.bytes != second.bytes { return first.bytes.lexicographicallyPrecedes(second.bytes) }
            return (first.length, one.offset) < (second.length, other.offset)
        }
        var outer: (offset: Int, element: (prefix: IPPrefix, network: String, path: String))?
        for entry in sorted {
            guard let around = outer, around.element.prefix.overlaps(entry.element.prefix) else {
                outer = entry
                continue
            }
            let (one, other) = around.offset < entry.offset ? (around.element, entry.element) : (entry.element, around.element)
            report(
                other.path, "networks \(one.network) and \(other.network) overlap",
                why: "\(one.prefix) and \(other.prefix) have addresses in common", remedy: "give \(other.network) another prefix")
        }
    }

    /// Addresses that are written out are in their network, and no two interfaces have the same.
    mutating func addresses() {
        let networks = Dictionary(profile.networks.map { ($0.name, $0) }) { first, _ in first }
        var owners: [IPPrefix: (node: String, interface: String)] = [:]
        // Fixed ones last: they are what can be changed. Those of host numbers differ as the numbers do.
        for fixed in [false, true] {
            for member in members.nodes {
                for interface in members.layouts[member.layout].all where interface.isFixed == fixed {
                    guard let network = interface.addressing.network.flatMap({ networks[$0] }) else { continue }
                    for address in addresses(interface, member, network) {
                        guard let single = IPPrefix(bytes: address.bytes, length: address.bytes.count * 8),
                            let other = owners.updateValue((member.name, interface.name), forKey: single),
                            fixed
                        else { continue }
                        guard !members.layouts[member.layout].isShared else { continue }
                        report(
                            "\(interface.path).address",
                            "\(address.address) is the address of two interfaces",
                            why: "\(other.node) \(other.interface) and \(member.name) \(interface.name) have it",
                            remedy: "choose another address for \(member.name)")
                    }
                }
            }
        }
    }

    private mutating func addresses(
        _ interface: ProfileMembers.Interface, _ member: ProfileMembers.Member, _ network: NetworkProfile.IPNetwork
    ) -> [IPPrefix] {
        guard case .fixed(_, let fixed) = interface.addressing else {
            return [network.ipv4, network.ipv6].compactMap { $0?.host(member.host) }
        }
        let path = "\(interface.path).address"
        if fixed.isEmpty {
            report(
                path, "\(interface.title) has an empty list of addresses", why: "with 'address' it has those and no others",
                remedy: "list one, or remove 'address'")
        }
        for (index, address) in fixed.enumerated() {
            let place = "\(path)[\(index)]"
            guard let prefix = address.isIPv6 ? network.ipv6 : network.ipv4 else {
                report(
                    place, "\(address) of \(interface.title) has no network",
                    why: "network \(network.name) has no \(address.isIPv6 ? "IPv6" : "IPv4") prefix",
                    remedy: "add the prefix to the network, or remove the address")
                continue
            }
            if !prefix.contains(address) {
                report(
                    place, "\(address) of \(interface.title) is outside its network", why: "network \(network.name) is \(prefix)",
                    remedy: "choose an address in \(prefix)")
            } else if prefix.length != address.length {
                report(
                    place, "\(address) of \(interface.title) has another prefix length than its network",
                    why: "network \(network.name) is \(prefix)",
                    remedy: "write \(address.address)/\(prefix.length)")
            } else if !address.isHost {
                report(
                    place, "\(address) of \(interface.title) is no host's address", why: "it is the first or last address of \(prefix)",
                    remedy: "choose another address")
            }
        }
        return fixed
    }
}

extension IPPrefix {
    /// Whether a host can have it: not the network's own address and, in IPv4, not the broadcast address.
    var isHost: Bool {
        guard self != network else { return false }
        guard !isIPv6 else { return true }
        let bits = bytes.count * 8 - length
        return IPPrefix(bytes: bytes, length: length)?.bytes != broadcast(bits)
    }

    private func broadcast(_ bits: Int) -> [UInt8] {
        var all = network.bytes
        for (index, shift) in zip(all.indices.reversed(), stride(from: bits, to: 0, by: -8)) {
            all[index] |= shift >= 8 ? 0xFF : UInt8((1 << shift) - 1)
        }
        return all
    }
}
