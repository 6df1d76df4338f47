extension NetworkProfile {
    /// What numbers and names in a profile may be.
    public enum Limits {
        /// The VLANs of vde_switch: it keeps 0 for what is in no VLAN, and refuses 4094, which IEEE 802.1Q would allow.
        public static let vlans = 1...4093
        /// The numbers of a switch's ports.
        public static let ports = 1...255
        /// How many ports of a switch a profile may use; those that are left are for probes and captures.
        public static let portsInUse = 247
        /// Bytes of payload: what every IPv4 host takes (RFC 791) up to what vde_switch 2.3.2 passes. It cuts longer frames off at 1518 bytes, which
        /// are 1500 with a VLAN tag, and says nothing.
        public static let mtu = 576...1500
        /// The least that IPv6 works with (RFC 8200, section 5).
        public static let leastMTUForIPv6 = 1280
        /// How many network cards fit into a machine beside `eth0`.
        public static let nics = 15
        /// How many nodes, services included, a profile may have.
        public static let nodes = 4096
        /// How often a bond may look at carrier, in ms.
        public static let miimon = 1...10_000
        /// How long a bond may wait before it uses a leg or drops it, in ms.
        public static let bondDelay = 0...600_000
        /// The time of a lease in seconds: dnsmasq takes no less than two minutes.
        public static let leaseSeconds = 120...31_536_000
        /// Memory of a service node in MiB.
        public static let memoryMiB = 128...1_048_576
        /// Processors of a service node.
        public static let vcpus = 1...255
        /// Host numbers.
        public static let hosts = 1...16_777_214
        /// Delay and jitter in ms.
        public static let delay = 0.0...60_000.0
        /// Loss and duplicates in percent.
        public static let percent = 0.0...100.0
        /// Bandwidth in Mbit/s.
        public static let bandwidth = 0.001...100_000.0

        /// A name of a node, role, segment, trunk, network or profile: it becomes a host name and a file name.
        public static let namePattern = "^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$"
        /// A name of an interface: the kernel's IFNAMSIZ is 16 with the final NUL (netdevice(7)).
        public static let interfacePattern = "^[A-Za-z0-9._-]{1,15}$"

        /// Whether a name fits ``namePattern``.
        static func isName(_ name: String) -> Bool {
            let bytes = Array(name.utf8)
            return (1...32).contains(bytes.count) && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
                && bytes.first != UInt8(ascii: "-") && bytes.last != UInt8(ascii: "-")
        }

        /// Whether a name fits ``interfacePattern``.
        static func isInterfaceName(_ name: String) -> Bool {
            (1...15).contains(name.utf8.count) && name.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
        }

        private static func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: false
            }
        }
    }
}
