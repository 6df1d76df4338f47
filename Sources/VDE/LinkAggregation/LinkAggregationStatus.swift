import LabEvents

/// What a link aggregation is doing.
public struct LinkAggregationStatus: Sendable, Hashable, Codable {
    /// One leg, which is one network card of the guest.
    public struct Leg: Sendable, Hashable, Codable {
        /// Whether the leg has carrier; see ``LinkAggregation/setCarrier(_:_:)``.
        public var hasCarrier: Bool
        /// The port's LACP.
        public var port: LACPPortStatus
        /// What passed and what did not, since the scope began.
        public var counters: LinkAggregationCounters
    }

    /// This end's system.
    public var system: LACPSystem
    /// This end's key.
    public var key: UInt16
    /// The guest's system, as it says; nil while no leg was answered.
    public var partner: LACPSystem?
    /// The guest's key; nil while no leg was answered.
    public var partnerKey: UInt16?
    /// Whether the switch port behind is joined. While it is not, the legs are out of use.
    public var hasSwitch: Bool
    /// Frames from the switch that were dropped because no leg was in use.
    public var undistributed: UInt64
    /// Frames to the switch that were dropped because it is gone or takes nothing.
    public var switchRefused: UInt64
    /// Frames of the slow protocols from the switch, which are another link's and were dropped.
    public var strayed: UInt64
    /// Frames from the switch that were dropped because they are longer than any that passes, 9234 bytes.
    public var oversized: UInt64
    /// The legs in their order.
    public var legs: [Leg]

    /// The legs, by their number from 0, that belong to the aggregator.
    public var selected: [Int] { legs.indices.filter { legs[$0].port.isSelected } }
    /// The legs from which frames are taken.
    public var collecting: [Int] { legs.indices.filter { legs[$0].port.isCollecting } }
    /// The legs to which frames are sent.
    public var distributing: [Int] { legs.indices.filter { legs[$0].port.isDistributing } }
    /// Whether all legs are used by both ends.
    public var isUp: Bool { legs.allSatisfy { $0.port.isUp } }
}

/// What passed a leg, and what did not.
public struct LinkAggregationCounters: Sendable, Hashable, Codable {
    /// Frames and their bytes.
    public struct Traffic: Sendable, Hashable, Codable {
        /// The number of frames.
        public var frames: UInt64 = 0
        /// Their bytes, with the header and without the check sequence.
        public var bytes: UInt64 = 0

        mutating func count(_ size: Int) {
            frames += 1
            bytes += UInt64(size)
        }
    }

    /// Taken from the guest for the switch; what it then refused is in ``LinkAggregationStatus/switchRefused`` as well.
    public var toSwitch = Traffic()
    /// Taken from the switch for the guest; what it then refused is in ``guestRefused`` as well.
    public var toGuest = Traffic()
    /// Dropped from the guest, because the leg has no carrier.
    public var noCarrier: UInt64 = 0
    /// Dropped from the guest, because the leg does not collect.
    public var notCollecting: UInt64 = 0
    /// Dropped to the guest, because it is gone, takes nothing, or has lost the leg while they waited.
    public var guestRefused: UInt64 = 0
    /// Dropped from the guest, because they have not even an Ethernet header.
    public var runts: UInt64 = 0
    /// Dropped from the guest, because they are longer than any that passes, 9234 bytes.
    public var oversized: UInt64 = 0
    /// LACPDUs that came.
    public var lacpReceived: UInt64 = 0
    /// LACPDUs that were sent.
    public var lacpSent: UInt64 = 0
    /// Markers that were answered.
    public var markersAnswered: UInt64 = 0
    /// Frames of the slow protocols that made no sense, and marker responses, which nobody asked for.
    public var slowIgnored: UInt64 = 0
}

/// What changed at a link aggregation.
public enum LinkAggregationChange: Sendable, Hashable, Codable {
    /// A leg's LACP is in another state.
    case leg(Int, LACPPortStatus)
    /// A leg got carrier or lost it by a call.
    case carrier(Int, Bool)
    /// The guest has another system, or none any more.
    case partner(LACPSystem?)
    /// Something happened to a leg's end.
    case guest(Int, LinkEndChange)
    /// Something happened to the switch port.
    case port(LinkEndChange)
}
