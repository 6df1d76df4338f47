import LabEvents

extension ServicePlan {
    /// Where dnsmasq keeps its leases in the service node.
    public static let leaseFile = "/run/vmlab/dnsmasq.leases"

    /// The configuration of dnsmasq(8): DHCP alone, on one interface, every reservation by hardware address.
    public var dnsmasqConfiguration: String {
        let lines =
            [
                "# Made by vmlab. DHCP alone.", "port=0", "interface=\(interface)", "bind-interfaces", "dhcp-authoritative",
                "dhcp-leasefile=\(Self.leaseFile)", "pid-file=/run/vmlab/dnsmasq.pid", "log-dhcp", "log-facility=/run/vmlab/dnsmasq.log",
                "user=root",
                // Guests that are copies of one image send one client identifier.
                "dhcp-ignore-clid",
                // Nobody else gives addresses here, and asking whether one is free takes 3 s.
                "no-ping",
                // No gateway and no name server.
                "dhcp-option=3", "dhcp-option=6",
                "dhcp-range=\(poolStart.address),\(poolEnd.address),\(poolStart.mask),\(leaseSeconds)",
            ] + reservations.map { "dhcp-host=\($0.mac),\($0.address.address),\($0.node),\(leaseSeconds)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Starts dnsmasq, which goes to the background when it serves.
    public var startCommands: String {
        """
        mkdir -p /run/vmlab
        [ ! -r /run/vmlab/dnsmasq.pid ] || kill "$(cat /run/vmlab/dnsmasq.pid)" 2>/dev/null || :
        cat >/run/vmlab/dnsmasq.conf <<'VMLAB-END'
        \(dnsmasqConfiguration)VMLAB-END
        dnsmasq --conf-file=/run/vmlab/dnsmasq.conf </dev/null

        """
    }

    /// A reservation without its lease.
    public struct LeaseProblem: Sendable, Equatable {
        /// The node whose it is.
        public var node: String
        /// What there is instead, in words.
        public var text: String
    }

    /// What is wrong with the leases: for each reservation of a node that asked, that it has just that address.
    ///
    /// - Parameters:
    ///   - text: dnsmasq's lease file: expiry, hardware address, address, name, client identifier.
    ///   - nodes: the nodes that asked.
    public func leaseProblems(in text: String, nodes: Set<String>) -> [LeaseProblem] {
        var leases: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count >= 4, MACAddress(words[1]) != nil { leases[words[1].lowercased()] = words[2] }
        }
        return reservations.filter { nodes.contains($0.node) }.compactMap { reservation in
            let lease = leases[reservation.mac.description]
            if lease == reservation.address.address { return nil }
            let has = lease.map { "the lease \($0)" } ?? "no lease"
            return LeaseProblem(
                node: reservation.node,
                text: "\(reservation.node) (\(reservation.mac)) has \(has), \(reservation.address.address) is reserved")
        }
    }
}

extension IPPrefix {
    /// The IPv4 mask, such as 255.255.255.0.
    fileprivate var mask: String {
        (0..<4).map { index in String(UInt8(truncatingIfNeeded: 0xFF00 >> max(0, min(8, length - index * 8)))) }.joined(separator: ".")
    }
}
