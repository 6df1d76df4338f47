import LabEvents
import NetworkProfiles

/// Makes plans by hand, port by port, so that drawings are tested apart from the reader of profiles.
struct PlanSketch {
    /// A network card of every node that is added.
    struct NIC {
        var name = "eth1"
        var segment = "lan"
        var vlans = PortVLANs.plain
        var network: String?
        var mtu = 1500
        var dhcp = false
    }

    var plan: NetworkPlan

    init(_ name: String, segments: [String] = ["lan"], networks: [(String, String?, String?)]) {
        plan = NetworkPlan(
            profile: name,
            networks: networks.map { .init(name: $0, ipv4: $1.flatMap { IPPrefix($0) }, ipv6: $2.flatMap { IPPrefix($0) }) },
            segments: segments.enumerated().map { SegmentPlan(name: $1, index: $0) }, nodes: [])
    }

    private mutating func port(_ segment: String, _ peer: PortPlan.Peer, _ vlans: PortVLANs) -> PortReference {
        guard let index = plan.segments.firstIndex(where: { $0.name == segment }) else { return PortReference(segment: segment, number: 0) }
        let number = plan.segments[index].ports.count + 1
        plan.segments[index].ports.append(PortPlan(number: number, peer: peer, vlans: vlans))
        return PortReference(segment: segment, number: number)
    }

    private func addresses(_ network: String?, _ host: Int) -> [IPPrefix] {
        guard let network = plan.networks.first(where: { $0.name == network }) else { return [] }
        return [network.ipv4, network.ipv6].compactMap { $0?.host(host) }
    }

    /// A node with network cards, a bond of `legs` or all of them when `bond` is given, and VLAN interfaces `PARENT.ID`.
    mutating func node(
        _ name: String, role: String = "server", host: Int, nics: [NIC], bond: NetworkProfile.Bond.Mode? = nil,
        legs: [String]? = nil, vlans: [(id: Int, network: String)] = [], mtu: Int = 1500, service: ServicePlan? = nil
    ) {
        var links: [LinkPlan] = []
        for nic in nics {
            let at = port(nic.segment, .nic(node: name, interface: nic.name), nic.vlans)
            links.append(
                LinkPlan(
                    name: nic.name,
                    kind: .card(
                        .init(port: at, vlans: nic.vlans, bond: bond == nil || !(legs ?? [nic.name]).contains(nic.name) ? nil : "bond0")),
                    mac: MACAddress(lab: "sketch", node: name, interface: nic.name), mtu: nic.mtu, network: nic.network,
                    addresses: addresses(nic.network, host), dhcp: nic.dhcp))
        }
        let mac = links.first?.mac ?? MACAddress(lab: "sketch", node: name, interface: "none")
        if let bond {
            let bond = NetworkProfile.Bond(
                name: "bond0", legs: legs ?? nics.map(\.name), mode: bond, primary: bond == .lacp ? nil : nics.first?.name, miimon: 100)
            links.append(LinkPlan(name: "bond0", kind: .bond(bond), mac: mac, mtu: mtu))
        }
        let parent = bond == nil ? nics.first?.name ?? "" : "bond0"
        for (id, network) in vlans {
            links.append(
                LinkPlan(
                    name: "\(parent).\(id)", kind: .vlan(id: id, parent: parent), mac: mac, mtu: mtu, network: network,
                    addresses: addresses(network, host)))
        }
        plan.nodes.append(NodeNetwork(name: name, role: role, host: host, links: links, service: service))
    }

    mutating func trunk(_ name: String, _ one: String, _ other: String, _ vlans: PortVLANs) {
        let first = port(one, .trunk(name), vlans)
        let second = port(other, .trunk(name), vlans)
        plan.trunks.append(TrunkPlan(name: name, index: plan.trunks.count, first: first, second: second, vlans: vlans))
    }
}
