/// One byte stream between the host and the guest over virtio-serial; on the host a unix socket on which QEMU listens.
public struct GuestChannel: Equatable, Sendable, Codable {
    /// The two kinds of virtio-serial ports.
    public enum Kind: String, Sendable, Codable {
        /// A terminal: `/dev/hvcN` in the guest, N counting the consoles in their order. Drops output when the host reads slowly.
        case console
        /// An exact byte stream with flow control: `/dev/virtio-ports/NAME` in the guest.
        case port
    }

    /// Terminal or port.
    public var kind: Kind
    /// The channel's name, unique in the guest: letters, digits, `.`, `_` and `-`. The guest sees the names of ports.
    public var name: String
    /// Where QEMU listens; at most 107 bytes.
    public var socketPath: String

    /// A channel.
    public init(kind: Kind, name: String, socketPath: String) {
        self.kind = kind
        self.name = name
        self.socketPath = socketPath
    }

    /// QEMU's id of the port, which ``QMPEvent/Kind/portChanged(device:isOpen:)`` names.
    public var deviceIdentifier: String { "channel-\(name)" }
}

/// A channel's place: which virtio-serial device and which port of it.
struct ChannelPlace: Equatable {
    /// virtio-serial-pci takes 31, but its control queue has 32 buffers and QEMU drops what finds none (hw/char/virtio-serial-bus.c,
    /// `send_control_msg`). While a guest boots, every port costs one message and brings two or three more before its own buffer is free
    /// again. With 31 ports a Linux guest lost some: a port then had no name, or never learned that the host is connected and read
    /// end-of-file for ever. Twelve fit, and so does the host's leaving and coming back on all of them while the guest stands still.
    static let portsPerBus = 12

    var channel: GuestChannel
    var bus: Int
    var number: Int

    /// Consoles first, in order, so that the N-th is `hvcN`; then ports. Port 0 of a device is kept for a console, as old guests demand it
    /// there.
    static func assign(_ channels: [GuestChannel]) -> [ChannelPlace] {
        var places: [ChannelPlace] = []
        var bus = 0
        var number = 0
        for channel in channels.filter({ $0.kind == .console }) + channels.filter({ $0.kind == .port }) {
            if channel.kind == .port { number = max(number, 1) }
            if number == portsPerBus {
                bus += 1
                number = channel.kind == .console ? 0 : 1
            }
            places.append(ChannelPlace(channel: channel, bus: bus, number: number))
            number += 1
        }
        return places
    }
}
