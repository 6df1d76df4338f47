public import LabEvents

/// The network of one lab as a value: every switch port, every interface of every node, every address. What a ``NetworkProfile`` comes to.
public struct NetworkPlan: Sendable, Equatable, Codable {
    /// The profile's name.
    public var profile: String
    /// The IP networks.
    public var networks: [NetworkProfile.IPNetwork]
    /// The switches.
    public var segments: [SegmentPlan]
    /// What joins them.
    public var trunks: [TrunkPlan]
    /// The nodes, in the order that was asked for; service nodes first, because others wait for them.
    public var nodes: [NodeNetwork]
    /// What is done to frames.
    public var impairments: [NetworkProfile.Impairment]
    /// What is meant not to work.
    public var expectedFailure: NetworkProfile.ExpectedFailure?

    /// A plan from its parts.
    public init(
        profile: String, networks: [NetworkProfile.IPNetwork] = [], segments: [SegmentPlan] = [], trunks: [TrunkPlan] = [],
        nodes: [NodeNetwork], impairments: [NetworkProfile.Impairment] = [], expectedFailure: NetworkProfile.ExpectedFailure? = nil
    ) {
        (self.profile, self.networks, self.segments, self.trunks) = (profile, networks, segments, trunks)
        (self.nodes, self.impairments, self.expectedFailure) = (nodes, impairments, expectedFailure)
    }

    /// Joins every network card by a cable that is not yet.
    ///
    /// - Parameter reason: why, for the plan.
    public mutating func cableAll(because reason: String) {
        for node in nodes.indices {
            for link in nodes[node].links.indices {
                guard case .card(var card) = nodes[node].links[link].kind, card.cable == nil else { continue }
                card.cable = reason
                nodes[node].links[link].kind = .card(card)
            }
        }
    }

    /// The network of a node; nil when there is none of that name.
    public func node(_ name: String) -> NodeNetwork? { nodes.first { $0.name == name } }
}

/// One switch and its ports.
public struct SegmentPlan: Sendable, Equatable, Codable {
    /// Its name.
    public var name: String
    /// Its place among the segments, from 0.
    public var index: Int
    /// The ports in use, by number.
    public var ports: [PortPlan]

    /// A switch from its parts.
    public init(name: String, index: Int, ports: [PortPlan] = []) { (self.name, self.index, self.ports) = (name, index, ports) }
}

/// One port of a switch.
public struct PortPlan: Sendable, Equatable, Codable {
    /// What is plugged in.
    public enum Peer: Sendable, Equatable, Codable {
        /// A network card of a node.
        case nic(node: String, interface: String)
        /// An end of a trunk.
        case trunk(String)
    }

    /// Its number, 1 to 255.
    public var number: Int
    /// What is plugged in.
    public var peer: Peer
    /// What it carries.
    public var vlans: PortVLANs

    /// A port from its parts.
    public init(number: Int, peer: Peer, vlans: PortVLANs) { (self.number, self.peer, self.vlans) = (number, peer, vlans) }
}

/// A port named from outside its switch.
public struct PortReference: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The switch's name.
    public var segment: String
    /// The port's number.
    public var number: Int

    /// A reference from its parts.
    public init(segment: String, number: Int) { (self.segment, self.number) = (segment, number) }

    /// `lan 3`.
    public var description: String { "\(segment) \(number)" }
}

/// A link between two switches.
public struct TrunkPlan: Sendable, Equatable, Codable {
    /// Its name.
    public var name: String
    /// Its place among the trunks, from 0.
    public var index: Int
    /// The port at one end.
    public var first: PortReference
    /// The port at the other end; it carries the same.
    public var second: PortReference
    /// What it carries.
    public var vlans: PortVLANs

    /// A trunk from its parts.
    public init(name: String, index: Int, first: PortReference, second: PortReference, vlans: PortVLANs) {
        (self.name, self.index, self.first, self.second, self.vlans) = (name, index, first, second, vlans)
    }
}

/// The network of one node.
public struct NodeNetwork: Sendable, Equatable, Codable {
    /// The node's name.
    public var name: String
    /// Its role; a service's is `service`.
    public var role: String
    /// The last part of its addresses.
    public var host: Int
    /// Its interfaces besides `eth0`: network cards, then bonds, then VLAN interfaces.
    public var links: [LinkPlan]
    /// What it serves; nil for a node of the cluster.
    public var service: ServicePlan?

    /// A node's network from its parts.
    public init(name: String, role: String, host: Int, links: [LinkPlan], service: ServicePlan? = nil) {
        (self.name, self.role, self.host, self.links, self.service) = (name, role, host, links, service)
    }

    /// The interface of a name.
    public func link(_ name: String) -> LinkPlan? { links.first { $0.name == name } }

    /// The bonds that speak LACP. Their legs end at a link aggregation of the harness, which is at the port of the first leg; those of the others stay empty.
    public var aggregations: [NetworkProfile.Bond] {
        links.compactMap { link in if case .bond(let bond) = link.kind, bond.mode == .lacp { bond } else { nil } }
    }

    /// The network cards, in the order in which the machine has them.
    public var cards: [(link: LinkPlan, card: LinkPlan.Card)] {
        links.compactMap { link in if case .card(let card) = link.kind { (link, card) } else { nil } }
    }
}

/// One interface of a node.
public struct LinkPlan: Sendable, Equatable, Codable {
    /// A network card.
    public struct Card: Sendable, Equatable, Codable {
        /// Where it is plugged in.
        public var port: PortReference
        /// What the port carries.
        public var vlans: PortVLANs
        /// The bond that it is a leg of.
        public var bond: String?
        /// Why it is joined by a cable of the harness, which faults and impairments need; nil when it is plugged straight into its switch.
        public var cable: String?

        /// A card from its parts.
        public init(port: PortReference, vlans: PortVLANs, bond: String? = nil, cable: String? = nil) {
            (self.port, self.vlans, self.bond, self.cable) = (port, vlans, bond, cable)
        }
    }

    /// What it is.
    public enum Kind: Sendable, Equatable, Codable {
        /// A network card.
        case card(Card)
        /// A bond.
        case bond(NetworkProfile.Bond)
        /// A VLAN interface.
        case vlan(id: Int, parent: String)
    }

    /// What the guest is to call it.
    public var name: String
    /// What it is.
    public var kind: Kind
    /// Its hardware address. A bond has its first leg's, a VLAN interface its parent's.
    public var mac: MACAddress
    /// Bytes of payload.
    public var mtu: Int
    /// The IP network that it is in.
    public var network: String?
    /// The addresses that it is to have, whoever gives them.
    public var addresses: [IPPrefix]
    /// Whether its IPv4 address comes by DHCP.
    public var dhcp: Bool

    /// An interface from its parts.
    public init(
        name: String, kind: Kind, mac: MACAddress, mtu: Int = 1500, network: String? = nil, addresses: [IPPrefix] = [], dhcp: Bool = false
    ) {
        (self.name, self.kind, self.mac, self.mtu) = (name, kind, mac, mtu)
        (self.network, self.addresses, self.dhcp) = (network, addresses, dhcp)
    }
}

/// What a service node is and serves.
public struct ServicePlan: Sendable, Equatable, Codable {
    /// One address that is kept for one interface.
    public struct Reservation: Sendable, Equatable, Codable {
        /// The node's name.
        public var node: String
        /// The hardware address of the interface.
        public var mac: MACAddress
        /// The address.
        public var address: IPPrefix

        /// A reservation from its parts.
        public init(node: String, mac: MACAddress, address: IPPrefix) { (self.node, self.mac, self.address) = (node, mac, address) }
    }

    /// What it boots.
    public var image: String
    /// Memory in MiB.
    public var memoryMiB: Int
    /// Virtual processors.
    public var vcpus: Int
    /// The interface on which it serves.
    public var interface: String
    /// The first address for clients without a reservation.
    public var poolStart: IPPrefix
    /// The last one.
    public var poolEnd: IPPrefix
    /// How long a lease lasts, in seconds.
    public var leaseSeconds: Int
    /// The addresses that are kept.
    public var reservations: [Reservation]

    /// The image that service nodes boot unless the profile says otherwise: it has dnsmasq.
    public static let image = "mini"

    /// A service from its parts.
    public init(
        image: String = ServicePlan.image, memoryMiB: Int, vcpus: Int, interface: String, poolStart: IPPrefix, poolEnd: IPPrefix,
        leaseSeconds: Int, reservations: [Reservation]
    ) {
        (self.image, self.memoryMiB, self.vcpus, self.interface) = (image, memoryMiB, vcpus, interface)
        (self.poolStart, self.poolEnd, self.leaseSeconds, self.reservations) = (poolStart, poolEnd, leaseSeconds, reservations)
    }
}
