public import NetworkProfiles
public import QEMU

/// A whole lab as a value: what would be started, down to QEMU's arguments. Making one touches nothing.
public struct LabPlan: Codable, Sendable, Equatable {
    /// The scenario's name; hardware addresses and UUIDs are derived from it.
    public var scenario: String
    /// Where random choices of the run start.
    public var seed: UInt64
    /// What runs the guests.
    public var accelerator: Accelerator
    /// The nodes, in the topology's order.
    public var nodes: [NodePlan]
    /// What joins the nodes; nil for a lab without a switch.
    public var network: NetworkPlan?
    /// The k3s binary that the guests of a cluster run instead of their image's.
    public var k3s: PlannedFile?
    /// What the nodes get of the host, and why.
    public var resources: ResourcePlan
    /// What the plan was made for.
    public var host: HostCapacity
    /// SHA-256 in hexadecimal over everything that decides the guests: nodes, network, accelerator, arguments, keys of images. Not in it: the
    /// host's facts, reasons, the seed and where files lie.
    public var digest: String

    /// The switches.
    public var segments: [SegmentPlan] { network?.segments ?? [] }

    /// The images that the nodes boot, each once, in the order of their first node.
    public var images: [ImageFacts] {
        nodes.reduce(into: []) { images, node in if !images.contains(node.image) { images.append(node.image) } }
    }
}
