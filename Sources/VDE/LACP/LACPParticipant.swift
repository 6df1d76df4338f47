public import LabEvents

/// The identity of a system that aggregates links (IEEE 802.1AX-2014, 6.3.2).
public struct LACPSystem: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Of two systems the one with the smaller number decides which links are used.
    public var priority: UInt16
    /// The system's address.
    public var address: MACAddress

    /// A system from its parts.
    public init(priority: UInt16 = 0x8000, address: MACAddress) { (self.priority, self.address) = (priority, address) }

    /// No system: what is assumed of a far end that was never heard.
    public static let none = LACPSystem(priority: 0, address: MACAddress(bytes: [0, 0, 0, 0, 0, 0]))

    /// Priority and address, `32768,02:00:00:00:00:01`.
    public var description: String { "\(priority),\(address)" }
}

/// What a LACPDU says of one end of a link (IEEE 802.1AX-2014, 6.4.2.3 items h to m).
public struct LACPParticipant: Sendable, Hashable, Codable {
    /// The system that the end belongs to.
    public var system: LACPSystem
    /// The key: ports of one system with the same key may aggregate.
    public var key: UInt16
    /// The port's priority.
    public var portPriority: UInt16
    /// The port's number in its system.
    public var port: UInt16
    /// The state bits.
    public var state: LACPState

    /// An end from its parts.
    public init(system: LACPSystem, key: UInt16, portPriority: UInt16 = 0x8000, port: UInt16, state: LACPState = []) {
        (self.system, self.key, self.portPriority, self.port, self.state) = (system, key, portPriority, port, state)
    }

    /// What is assumed of an end that was never heard: no system, alone, not in sync, in no hurry.
    public static let none = LACPParticipant(system: .none, key: 0, portPriority: 0, port: 0)

    /// Whether both are the same port of the same system with the same key, and agree on aggregation: what the standard compares in
    /// recordPDU, update_Selected and update_Default_Selected (6.4.9).
    func isSameLink(as other: LACPParticipant) -> Bool {
        system == other.system && key == other.key && portPriority == other.portPriority && port == other.port
            && state.contains(.aggregation) == other.state.contains(.aggregation)
    }
}
