/// A network as data: the switches, what hangs on them and how, for any number of nodes of its roles.
///
/// It is read from YAML by ``load(_:)``, or made in code for a scenario's own network. ``plan(lab:nodes:)`` makes of it what one lab is to be.
public struct NetworkProfile: Sendable, Equatable {
    /// What the command line calls it: letters, digits and `-`.
    public var name: String
    /// One sentence for lists.
    public var summary: String
    /// Bytes of an Ethernet frame's payload, for every interface that says nothing else.
    public var mtu: Int
    /// The IP networks.
    public var networks: [IPNetwork]
    /// The switches.
    public var segments: [String]
    /// What joins switches.
    public var trunks: [Trunk]
    /// The interfaces of every node whose role and self say nothing else.
    public var interfaces: Interfaces
    /// The roles; they name the nodes.
    public var roles: [Role]
    /// What single nodes have otherwise.
    public var overrides: [Override]
    /// Nodes that serve the others and are no part of the cluster.
    public var services: [Service]
    /// What goes wrong on the wire, on purpose.
    public var impairments: [Impairment]
    /// What the profile is meant to break.
    public var expectedFailure: ExpectedFailure?
    /// Where it was written; for messages.
    public var source: ProfileSource

    /// Two profiles are equal when they mean the same network, wherever they were written.
    public static func == (one: NetworkProfile, other: NetworkProfile) -> Bool {
        one.name == other.name && one.summary == other.summary && one.mtu == other.mtu && one.networks == other.networks
            && one.segments == other.segments && one.trunks == other.trunks && one.interfaces == other.interfaces
            && one.roles == other.roles
            && one.overrides == other.overrides && one.services == other.services && one.impairments == other.impairments
            && one.expectedFailure == other.expectedFailure
    }

    /// A profile from its parts.
    public init(
        name: String, summary: String, mtu: Int = 1500, networks: [IPNetwork], segments: [String], trunks: [Trunk] = [],
        interfaces: Interfaces = Interfaces(), roles: [Role], overrides: [Override] = [], services: [Service] = [],
        impairments: [Impairment] = [], expectedFailure: ExpectedFailure? = nil, source: ProfileSource = ProfileSource()
    ) {
        (self.name, self.summary, self.mtu, self.networks, self.segments) = (name, summary, mtu, networks, segments)
        (self.trunks, self.interfaces, self.roles, self.overrides) = (trunks, interfaces, roles, overrides)
        (self.services, self.impairments, self.expectedFailure, self.source) = (services, impairments, expectedFailure, source)
    }
}

/// Where a profile and its parts were written.
public struct ProfileSource: Sendable {
    /// The file as the reader of an error should see it; nil for a profile made in code.
    public var file: String?
    /// The line of each part, by its path of keys: `nics.eth1.segment`, `nodes.server-2.vlans`.
    public var lines: [String: Int]

    /// A source.
    public init(file: String? = nil, lines: [String: Int] = [:]) { (self.file, self.lines) = (file, lines) }
}

extension NetworkProfile {
    /// An IP network that interfaces have addresses in.
    public struct IPNetwork: Sendable, Equatable, Codable {
        /// Its name, such as `cluster`.
        public var name: String
        /// The IPv4 prefix; nil for none.
        public var ipv4: IPPrefix?
        /// The IPv6 prefix; nil for none.
        public var ipv6: IPPrefix?

        /// A network from its parts.
        public init(name: String, ipv4: IPPrefix? = nil, ipv6: IPPrefix? = nil) { (self.name, self.ipv4, self.ipv6) = (name, ipv4, ipv6) }
    }

    /// A link between two switches. It carries what it names and nothing else.
    public struct Trunk: Sendable, Equatable, Codable {
        /// Its name.
        public var name: String
        /// The two segments.
        public var segments: [String]
        /// The VLANs that it carries with their tags, 1 to 4093.
        public var vlans: [Int]
        /// Whether frames without a tag pass.
        public var untagged: Bool

        /// A trunk from its parts.
        public init(name: String, segments: [String], vlans: [Int] = [], untagged: Bool = false) {
            (self.name, self.segments, self.vlans, self.untagged) = (name, segments, vlans, untagged)
        }
    }

    /// The interfaces of a node besides `eth0`. A part that is nil comes from the role, and else from the profile.
    public struct Interfaces: Sendable, Equatable, Codable {
        /// The network cards.
        public var nics: [NIC]?
        /// The bonds of network cards.
        public var bonds: [Bond]?
        /// The VLAN interfaces.
        public var vlans: [VLAN]?

        /// Interfaces from their parts.
        public init(nics: [NIC]? = nil, bonds: [Bond]? = nil, vlans: [VLAN]? = nil) {
            (self.nics, self.bonds, self.vlans) = (nics, bonds, vlans)
        }
    }

    /// How an interface gets its addresses.
    public enum Addressing: Sendable, Equatable, Codable {
        /// It has none.
        case none
        /// The address of the node's host number in each prefix of the network.
        case host(network: String)
        /// These; each is in the network.
        case fixed(network: String, [IPPrefix])
        /// From the network's DHCP service, which has a reservation of the node's host number (IPv4); an IPv6 prefix is static.
        case dhcp(network: String)

        /// The network; nil for none.
        public var network: String? {
            switch self {
            case .none: nil
            case .host(let network), .fixed(let network, _), .dhcp(let network): network
            }
        }
    }

    /// A network card and the switch port that it plugs into.
    public struct NIC: Sendable, Equatable, Codable {
        /// What the guest is to call it, `eth1` and on: at most 15 characters.
        public var name: String
        /// The switch.
        public var segment: String
        /// What its switch port carries.
        public var port: PortVLANs
        /// The port's number, 1 to 255; nil for the lowest free one.
        public var portNumber: Int?
        /// The hardware address, as `52:54:00:01:01:01`; nil for one that is derived from the names.
        public var mac: String?
        /// Its addresses.
        public var addressing: Addressing
        /// Bytes of payload; nil for its bond's, and else the profile's.
        public var mtu: Int?

        /// A network card from its parts.
        public init(
            name: String, segment: String, port: PortVLANs = .plain, portNumber: Int? = nil, mac: String? = nil,
            addressing: Addressing = .none, mtu: Int? = nil
        ) {
            (self.name, self.segment, self.port, self.portNumber) = (name, segment, port, portNumber)
            (self.mac, self.addressing, self.mtu) = (mac, addressing, mtu)
        }
    }

    /// A bond of network cards; the parameters are those of the kernel (Documentation/networking/bonding.rst).
    public struct Bond: Sendable, Equatable, Codable {
        /// The bonding modes that a switch without link aggregation of its own can live with, and LACP.
        public enum Mode: String, Sendable, Codable, CaseIterable {
            /// One leg is active, the others wait.
            case activeBackup = "active-backup"
            /// LACP. The far end must speak it.
            case lacp = "802.3ad"
        }

        /// When the primary leg becomes the active one again.
        public enum Reselect: String, Sendable, Codable, CaseIterable {
            /// Whenever it comes back.
            case always
            /// When it is better than the active one.
            case better
            /// When the active one fails.
            case failure
        }

        /// How often LACP speaks.
        public enum LACPRate: String, Sendable, Codable, CaseIterable {
            /// Every 30 s.
            case slow
            /// Every second.
            case fast
        }

        /// What the guest calls it: at most 15 characters.
        public var name: String
        /// The network cards.
        public var legs: [String]
        /// The mode.
        public var mode: Mode
        /// The leg that is active while it can be; active-backup only.
        public var primary: String?
        /// When the primary becomes active again; active-backup only.
        public var primaryReselect: Reselect?
        /// How often carrier is looked at, in ms.
        public var miimon: Int
        /// How long a leg must have carrier until it is used, in ms: a multiple of `miimon`.
        public var upDelay: Int
        /// How long a leg must lack carrier until it is not used, in ms: a multiple of `miimon`.
        public var downDelay: Int
        /// How often LACP speaks; 802.3ad only.
        public var lacpRate: LACPRate?
        /// How often an active-backup bond tells the switches of a failover, `miimon` apart. Linux says it once: a frame that it sent over the former leg just
        /// before may reach a switch after that, which then looks for the node where it is not, for half a minute and more.
        static let notifications = 3

        /// Its addresses.
        public var addressing: Addressing
        /// Bytes of payload; nil for its first leg's.
        public var mtu: Int?

        /// A bond from its parts.
        public init(
            name: String, legs: [String], mode: Mode = .activeBackup, primary: String? = nil, primaryReselect: Reselect? = nil,
            miimon: Int = 100, upDelay: Int = 0, downDelay: Int = 0, lacpRate: LACPRate? = nil, addressing: Addressing = .none,
            mtu: Int? = nil
        ) {
            (self.name, self.legs, self.mode, self.primary, self.primaryReselect) = (name, legs, mode, primary, primaryReselect)
            (self.miimon, self.upDelay, self.downDelay, self.lacpRate) = (miimon, upDelay, downDelay, lacpRate)
            (self.addressing, self.mtu) = (addressing, mtu)
        }
    }

    /// A VLAN interface.
    public struct VLAN: Sendable, Equatable, Codable {
        /// What the guest calls it: at most 15 characters.
        public var name: String
        /// The network card or bond below it.
        public var parent: String
        /// The VLAN's number, 1 to 4093.
        public var id: Int
        /// Its addresses.
        public var addressing: Addressing
        /// Bytes of payload; nil for its parent's.
        public var mtu: Int?

        /// A VLAN interface from its parts.
        public init(name: String, parent: String, id: Int, addressing: Addressing = .none, mtu: Int? = nil) {
            (self.name, self.parent, self.id, self.addressing, self.mtu) = (name, parent, id, addressing, mtu)
        }
    }

    /// Nodes of one kind. They are called `ROLE-1`, `ROLE-2` and on, unless they have names of their own.
    public struct Role: Sendable, Equatable, Codable {
        /// Its name, such as `server`.
        public var name: String
        /// The host numbers of its nodes, in order: the last part of their addresses.
        public var hosts: ClosedRange<Int>
        /// The nodes' names, as many as there are hosts; nil for `ROLE-1` and on.
        public var names: [String]?
        /// What its nodes have otherwise than the profile says.
        public var interfaces: Interfaces

        /// A role from its parts.
        public init(name: String, hosts: ClosedRange<Int>, names: [String]? = nil, interfaces: Interfaces = Interfaces()) {
            (self.name, self.hosts, self.names, self.interfaces) = (name, hosts, names, interfaces)
        }
    }

    /// What one node has otherwise than its role.
    public struct Override: Sendable, Equatable, Codable {
        /// The node's name.
        public var node: String
        /// Its own interfaces.
        public var interfaces: Interfaces

        /// An override from its parts.
        public init(node: String, interfaces: Interfaces) { (self.node, self.interfaces) = (node, interfaces) }
    }

    /// A node that serves the others.
    public struct Service: Sendable, Equatable, Codable {
        /// Its name as a node.
        public var name: String
        /// Its host number.
        public var host: Int
        /// What it boots; nil for the image that comes with vmlab for it.
        public var image: String?
        /// Memory in MiB.
        public var memoryMiB: Int
        /// Virtual processors.
        public var vcpus: Int
        /// Its interfaces; it has nothing of what the profile says for the nodes.
        public var interfaces: Interfaces
        /// What it serves.
        public var dhcp: DHCP

        /// A service node from its parts.
        public init(
            name: String, host: Int, image: String? = nil, memoryMiB: Int = 512, vcpus: Int = 1, interfaces: Interfaces, dhcp: DHCP
        ) {
            (self.name, self.host, self.image, self.memoryMiB) = (name, host, image, memoryMiB)
            (self.vcpus, self.interfaces, self.dhcp) = (vcpus, interfaces, dhcp)
        }
    }

    /// A DHCP service (IPv4). Every interface of its network that asks by DHCP has a reservation by its hardware address.
    public struct DHCP: Sendable, Equatable, Codable {
        /// The network.
        public var network: String
        /// Host numbers for clients without a reservation.
        public var pool: ClosedRange<Int>
        /// How long a lease lasts, in seconds, at least 120.
        public var leaseSeconds: Int

        /// A DHCP service from its parts.
        public init(network: String, pool: ClosedRange<Int>, leaseSeconds: Int = 43_200) {
            (self.network, self.pool, self.leaseSeconds) = (network, pool, leaseSeconds)
        }
    }

    /// What is done to the frames of one link, in both directions.
    public struct Impairment: Sendable, Equatable, Codable {
        /// The link: `NODE.NIC`, or the name of a trunk.
        public var link: String
        /// Delay in ms.
        public var delay: Double?
        /// By how much the delay varies, in ms, up and down.
        public var jitter: Double?
        /// Frames that are lost, in percent.
        public var loss: Double?
        /// Frames that arrive twice, in percent.
        public var duplicate: Double?
        /// Mbit/s.
        public var bandwidth: Double?

        /// An impairment from its parts.
        public init(
            link: String, delay: Double? = nil, jitter: Double? = nil, loss: Double? = nil, duplicate: Double? = nil,
            bandwidth: Double? = nil
        ) {
            (self.link, self.delay, self.jitter, self.loss) = (link, delay, jitter, loss)
            (self.duplicate, self.bandwidth) = (duplicate, bandwidth)
        }
    }

    /// What is meant not to work.
    public struct ExpectedFailure: Sendable, Equatable, Codable {
        /// The networks over which no node reaches another.
        public var unreachable: [String]
        /// Why.
        public var reason: String

        /// An expected failure from its parts.
        public init(unreachable: [String], reason: String) { (self.unreachable, self.reason) = (unreachable, reason) }
    }
}

/// What a switch port carries (IEEE 802.1Q).
public struct PortVLANs: Sendable, Equatable, Hashable, Codable, CustomStringConvertible {
    /// The VLAN of frames without a tag: 0 for the switch's plain network, which is in no VLAN; nil when such frames are dropped.
    public var untagged: Int?
    /// The VLANs whose frames carry their tag, ascending.
    public var tagged: [Int]

    /// What a port carries.
    public init(untagged: Int?, tagged: [Int] = []) { (self.untagged, self.tagged) = (untagged, tagged.sorted()) }

    /// Frames without a tag, in no VLAN.
    public static let plain = PortVLANs(untagged: 0)
    /// An access port of a VLAN.
    public static func access(_ vlan: Int) -> PortVLANs { PortVLANs(untagged: vlan) }
    /// A trunk of VLANs, all with their tags unless one is native.
    public static func trunk(_ vlans: [Int], native: Int? = nil) -> PortVLANs { PortVLANs(untagged: native, tagged: vlans) }

    /// In the words of a switch: `plain`, `access 200`, `trunk 100 200`, `trunk 100 200, native 10`, `nothing`.
    public var description: String {
        let list = tagged.map { "\($0)" }.joined(separator: " ")
        switch (untagged, tagged.isEmpty) {
        case (nil, true): return "nothing"
        case (0?, true): return "plain"
        case (let vlan?, true): return "access \(vlan)"
        case (nil, false): return "trunk \(list)"
        case (0?, false): return "trunk \(list), plain"
        case (let native?, false): return "trunk \(list), native \(native)"
        }
    }

    /// Every VLAN that passes, with tag or without.
    public var vlans: [Int] { (untagged.map { [$0] } ?? []) + tagged }
}
