public import FoundationEssentials

/// Something that QEMU said happened. Source: QEMU's qapi/run-state.json, block-core.json, char.json, net.json.
public struct QMPEvent: Equatable, Sendable {
    /// The events that this package acts on, with their data typed.
    public enum Kind: Equatable, Sendable {
        /// `RESET`: the machine was reset, by the guest or by a command.
        case reset(byGuest: Bool, reason: String?)
        /// `SHUTDOWN`: the machine is going down, by the guest or by a command or signal.
        case shutdown(byGuest: Bool, reason: String?)
        /// `STOP`: the processors stand still.
        case stop
        /// `RESUME`: the processors run.
        case resume
        /// `GUEST_PANICKED`, with the action QEMU takes.
        case guestPanicked(action: String)
        /// `POWERDOWN`: the guest was asked to power off.
        case powerdown
        /// `VSERPORT_CHANGE`: the guest opened or closed a virtio-serial port; see ``GuestChannel/deviceIdentifier``.
        case portChanged(device: String, isOpen: Bool)
        /// `BLOCK_IO_ERROR`: a disk could not be read or written.
        case blockError(node: String, operation: String, reason: String, noSpace: Bool)
        /// `NIC_RX_FILTER_CHANGED`: the guest changed an interface's receive filter.
        case receiveFilterChanged(device: String)
        /// Any other event, or one of these whose data was not as documented.
        case other
    }

    /// The event's name as QEMU gave it.
    public var name: String
    /// The event, understood.
    public var kind: Kind
    /// When it happened, by the host's clock in QEMU; the time of reading where QEMU gave none.
    public var time: Date
    /// The event's data as it came.
    public var data: JSONValue

    init(name: String, data: JSONValue, timestamp: JSONValue?) {
        self.name = name
        self.data = data
        kind = Self.kind(of: name, data)
        // QEMU writes -1 seconds when it could not read the clock.
        if let seconds = timestamp?["seconds"]?.integer, seconds >= 0 {
            time = Date(timeIntervalSince1970: Double(seconds) + Double(timestamp?["microseconds"]?.integer ?? 0) / 1e6)
        } else {
            time = Date()
        }
    }

    private static func kind(of name: String, _ data: JSONValue) -> Kind {
        let byGuest = data["guest"]?.bool
        let reason = data["reason"]?.string
        switch name {
        case "RESET": return .reset(byGuest: byGuest ?? false, reason: reason)
        case "SHUTDOWN": return .shutdown(byGuest: byGuest ?? false, reason: reason)
        case "STOP": return .stop
        case "RESUME": return .resume
        case "POWERDOWN": return .powerdown
        case "GUEST_PANICKED": return .guestPanicked(action: data["action"]?.string ?? "unknown")
        case "VSERPORT_CHANGE":
            guard let device = data["id"]?.string, let isOpen = data["open"]?.bool else { return .other }
            return .portChanged(device: device, isOpen: isOpen)
        case "BLOCK_IO_ERROR":
            return .blockError(
                node: data["node-name"]?.string ?? data["device"]?.string ?? "", operation: data["operation"]?.string ?? "",
                reason: reason ?? "", noSpace: data["nospace"]?.bool ?? false)
        case "NIC_RX_FILTER_CHANGED":
            guard let device = data["name"]?.string else { return .other }
            return .receiveFilterChanged(device: device)
        default: return .other
        }
    }
}
