public import LabEvents

/// One virtio network interface.
public struct NetworkInterface: Equatable, Sendable, Codable {
    /// What the interface is plugged into.
    public enum Backend: Equatable, Sendable, Codable {
        /// QEMU's own user-mode network with DHCP, restricted: the guest gets an address and reaches neither the host nor anything beyond.
        case user
        /// A port of a `vde_switch`, by the switch's folder; port 0 lets the switch choose.
        case vde(socket: String, port: Int)
        /// Frames as datagrams over a pair of unix sockets: connectionless, one datagram a frame, so that the far end may come and go.
        case datagram(local: String, remote: String)

        func option(identifier: String) -> QEMUOption {
            switch self {
            case .user:
                QEMUOption("user").adding("id", identifier).adding("restrict", true)
            case .vde(let socket, let port):
                QEMUOption("vde").adding("id", identifier).adding("sock", socket).adding("port", port)
            case .datagram(let local, let remote):
                QEMUOption("dgram").adding("id", identifier).adding("local.type", "unix").adding("local.path", local)
                    .adding("remote.type", "unix").adding("remote.path", remote)
            }
        }
    }

    /// The link that the guest is told about. An 802.3ad bond needs one: without a speed it never joins an aggregator.
    public struct Link: Equatable, Sendable, Codable {
        /// The two duplex modes.
        public enum Duplex: String, Sendable, Codable {
            /// Half duplex.
            case half
            /// Full duplex.
            case full
        }

        /// The speed in Mbit/s.
        public var megabits: Int
        /// The duplex mode.
        public var duplex: Duplex

        /// A link of a speed in Mbit/s.
        public init(megabits: Int, duplex: Duplex = .full) {
            self.megabits = megabits
            self.duplex = duplex
        }
    }

    /// The hardware address.
    public var address: MACAddress
    /// What the interface is plugged into.
    public var backend: Backend
    /// The link that the guest is told about; nil tells it nothing.
    public var link: Link?

    /// An interface with its address and backend.
    public init(address: MACAddress, backend: Backend, link: Link? = nil) {
        self.address = address
        self.backend = backend
        self.link = link
    }

    /// QEMU's id of the interface at an index, as `set_link` (``QMP/SetLink``) takes it.
    public static func deviceIdentifier(_ index: Int) -> String { "nic\(index)" }
}
