public import BuildRegistry

/// Which nodes a lab has and what joins them: what a scenario asks for, before the host has been looked at.
public struct Topology: Codable, Sendable, Equatable {
    /// The nodes; the first is the first to get a virtual processor that is left over.
    public var nodes: [NodeRequest]
    /// The segments that interfaces plug into.
    public var segments: [SegmentRequest]

    /// A topology from its parts.
    public init(nodes: [NodeRequest], segments: [SegmentRequest] = []) {
        self.nodes = nodes
        self.segments = segments
    }

    /// One guest, as it is asked for.
    public struct NodeRequest: Codable, Sendable, Equatable {
        /// Host name, file name and name in messages: 1 to 32 letters, digits and `-`, the latter not first or last.
        public var name: String
        /// What it boots: the name of an image description, or the path of a disk image.
        public var image: String
        /// Memory in MiB, at least ``Topology/leastMemoryMiB``; nil for the image's own wish.
        public var memoryMiB: Int?
        /// Virtual processors, 1 to 255; nil for the image's own wish. The plan may grant fewer.
        public var vcpus: Int?
        /// How it boots; nil for the image's quickest way.
        public var bootMode: BootMode?
        /// Its interfaces after `eth0`, in the order in which the guest finds them.
        public var interfaces: [InterfaceRequest]

        /// A node; what has a default here comes from the image.
        public init(
            name: String, image: String, memoryMiB: Int? = nil, vcpus: Int? = nil, bootMode: BootMode? = nil,
            interfaces: [InterfaceRequest] = []
        ) {
            self.name = name
            self.image = image
            self.memoryMiB = memoryMiB
            self.vcpus = vcpus
            self.bootMode = bootMode
            self.interfaces = interfaces
        }
    }

    /// One interface on a segment. `eth0` is not asked for: every node has it, as a restricted user-mode network (``QEMU/NetworkInterface``).
    public struct InterfaceRequest: Codable, Sendable, Equatable {
        /// What the guest calls it, at most 15 characters. A name of the form `ethN` must agree with its place: the first is `eth1`.
        public var name: String
        /// The segment that it plugs into.
        public var segment: String
        /// The address that the guest is to have, as `192.168.1.1/24` or `fd00::1/64`; nil for none. Nothing in the machine sets it.
        public var address: String?

        /// An interface from its parts.
        public init(name: String, segment: String, address: String? = nil) {
            self.name = name
            self.segment = segment
            self.address = address
        }
    }

    /// One switch.
    public struct SegmentRequest: Codable, Sendable, Equatable {
        /// Its name, by the rule of node names.
        public var name: String

        /// A segment.
        public init(name: String) { self.name = name }
    }
}
