import LabEvents

/// One address that one node tries to reach: by ARP or neighbour discovery, ICMP and TCP.
public struct ReachabilityProbe: Sendable, Equatable, Hashable, Codable {
    /// Who asks, whom, and what is expected.
    public var pair: NetworkPlan.Pair
    /// The address of the other.
    public var address: IPPrefix
    /// The hardware address that the other should answer with.
    public var mac: String

    /// The probes of a plan, by the node that asks.
    ///
    /// - Parameter nodes: the names of the nodes that are on; others neither ask nor are asked.
    public static func all(_ plan: NetworkPlan, nodes: Set<String>) -> [String: [ReachabilityProbe]] {
        var probes: [String: [ReachabilityProbe]] = [:]
        for pair in plan.pairs where nodes.contains(pair.from) && nodes.contains(pair.to) {
            guard let from = plan.node(pair.from)?.link(pair.fromInterface), let to = plan.node(pair.to)?.link(pair.toInterface) else {
                continue
            }
            for address in to.addresses where from.addresses.contains(where: { $0.isIPv6 == address.isIPv6 }) {
                probes[pair.from, default: []].append(ReachabilityProbe(pair: pair, address: address, mac: to.mac.description))
            }
        }
        return probes
    }

    /// What came of one probe.
    public struct Finding: Sendable, Equatable, Codable {
        /// How a TCP connection was answered.
        public enum TCP: String, Sendable, Codable {
            /// Somebody listens there.
            case accepted
            /// Nobody listens, and the other's kernel said so: that is an answer too.
            case refused
            /// Nothing came back in time.
            case timeout
            /// The own kernel found nobody to send it to.
            case unreachable
            /// The guest has no program to try with.
            case untested
        }

        /// Whether a ping was answered.
        public var icmp: Bool
        /// The hardware address that answered ARP or neighbour discovery; nil for none.
        public var neighbour: String?
        /// How TCP was answered.
        public var tcp: TCP
        /// How long the TCP answer took, in ms, where the guest could measure it.
        public var tcpMilliseconds: Int?

        /// A finding from its parts.
        public init(icmp: Bool, neighbour: String?, tcp: TCP, tcpMilliseconds: Int?) {
            (self.icmp, self.neighbour, self.tcp, self.tcpMilliseconds) = (icmp, neighbour, tcp, tcpMilliseconds)
        }
    }

    /// Whether anything at all of the other was seen.
    public static func isContact(_ finding: Finding) -> Bool {
        finding.icmp || finding.neighbour != nil || finding.tcp == .accepted || finding.tcp == .refused
    }

    /// What is not as expected; nil when it is.
    public func fault(_ finding: Finding) -> String? {
        guard pair.isConnected else {
            guard Self.isContact(finding) else { return nil }
            return "leak: "
                + [
                    finding.neighbour.map { "neighbour \($0) answered" }, finding.icmp ? "ping was answered" : nil,
                    [.accepted, .refused].contains(finding.tcp) ? "TCP was \(finding.tcp.rawValue)" : nil,
                ].compactMap { $0 }.joined(separator: ", ")
        }
        var faults: [String] = []
        switch finding.neighbour {
        case nil: faults.append(address.isIPv6 ? "no neighbour answered" : "no ARP answer")
        case let answer? where answer != mac: faults.append("\(answer) answered instead of \(mac)")
        default: break
        }
        if !finding.icmp { faults.append("no ping answer") }
        if finding.tcp == .timeout || finding.tcp == .unreachable { faults.append("TCP: \(finding.tcp.rawValue)") }
        return faults.isEmpty ? nil : faults.joined(separator: ", ")
    }
}
