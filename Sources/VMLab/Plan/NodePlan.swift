public import BuildRegistry
public import FoundationEssentials
public import LabEvents
public import NetworkProfiles
public import QEMU

/// One node of a plan: everything that decides its machine.
public struct NodePlan: Codable, Sendable, Equatable {
    /// The node's name.
    public var name: String
    /// Its place among the nodes, from 0.
    public var index: Int
    /// The SMBIOS UUID; the same in every run of the scenario.
    public var uuid: UUID
    /// What it boots.
    public var image: ImageFacts
    /// How it boots.
    public var bootMode: BootMode
    /// What runs it.
    public var accelerator: Accelerator
    /// Virtual processors, at least 1.
    public var vcpus: Int
    /// Memory in MiB.
    public var memoryMiB: Int
    /// Its network cards, `eth0` first. What the guest makes of them is in ``LabPlan/network``.
    public var interfaces: [InterfacePlan]
    /// QEMU's arguments with ``LabFolders/placeholders``.
    public var arguments: [String]
}

/// One network card of a node.
public struct InterfacePlan: Codable, Sendable, Equatable {
    /// What the guest calls it.
    public var name: String
    /// Its hardware address.
    public var mac: MACAddress
    /// The segment and the port there; nil for `eth0`, which is on QEMU's restricted user-mode network.
    public var port: Port?
    /// What is between the card and the port, from the card on; nothing when it is plugged straight in.
    public var joints: [Joint] = []

    /// What may be between a card and its port.
    public enum Joint: String, Codable, Sendable {
        /// A cable, which can be impaired.
        case cable
        /// A link aggregation, which the other legs of the bond share.
        case aggregation
    }

    /// A port of a switch.
    public struct Port: Codable, Sendable, Equatable {
        /// The segment's name.
        public var segment: String
        /// The segment's place among the segments, from 0.
        public var segmentIndex: Int
        /// The port's number, from 1.
        public var number: Int
    }
}

extension SegmentPlan {
    /// The folder in which the switch listens (`vde_switch -s`).
    public func socket(in folders: LabFolders) -> String { Self.socket(index: index, in: folders) }

    /// The switch's management socket (`vde_switch -M`).
    public func managementSocket(in folders: LabFolders) -> String { socket(in: folders) + ".mgmt" }

    static func socket(index: Int, in folders: LabFolders) -> String { "\(folders.sockets)/s\(index)" }
}
