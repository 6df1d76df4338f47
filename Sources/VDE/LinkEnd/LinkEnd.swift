public import LabEvents

/// One end of a cable or a link aggregation, as a value that says how it is opened, and opened again.
public enum LinkEnd: Sendable, Hashable, Codable, CustomStringConvertible {
    /// A guest's network card: QEMU's `-netdev dgram` with two unix datagram sockets, one datagram a frame. The paths are as this side sees
    /// them: `local` is made here and is QEMU's `remote.path`, `remote` is QEMU's `local.path`. Neither side needs the other to be there
    /// first, and either may come back.
    case guest(local: String, remote: String)
    /// A port of a switch, through libvdeplug.
    case segment(PortAddress)

    /// A port of a switch.
    public static func segment(_ switchFolder: String, port: Int) -> LinkEnd {
        .segment(PortAddress(switchFolder: switchFolder, port: port))
    }

    /// The end in words: `port 3 of /run/lan`, `guest at /run/n1.eth0`.
    public var description: String {
        switch self {
        case .guest(_, let remote): "guest at \(remote)"
        case .segment(let address): "port \(address.port) of \(address.switchFolder)"
        }
    }

    /// Checks what can be checked without effects.
    ///
    /// - Throws: a problem of kind `invalidInput` for a port number out of range and for paths that are relative, too long, the same twice, or
    ///   hold what QEMU's option or a VDE address cannot.
    public func validate() throws(Problem) {
        switch self {
        case .segment(let address): try address.validate()
        case .guest(let local, let remote):
            for path in [local, remote] {
                try UnixSocketPath.check(path)
                guard path.hasPrefix("/"), !path.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: ",") }) else {
                    throw Problem(
                        .invalidInput, "a guest's link cannot have this socket", location: path,
                        why: "the path is relative, or has a comma or control character", remedy: "use an absolute path")
                }
            }
            guard local != remote else {
                throw Problem(.invalidInput, "both sides of a guest's link have one socket", location: local, remedy: "use two paths")
            }
        }
    }
}

/// What happened to an end of a link.
public enum LinkEndChange: Sendable, Hashable, Codable {
    /// It can be used for the first time. A guest's end is: the socket is bound, whether or not the guest is there.
    case up
    /// The switch closed the connection or is gone; frames to it are dropped until it is back.
    case switchGone
    /// The switch is back, and the port is joined again.
    case reconnected
    /// Nobody has the guest's socket. It is known from the first frame on that should go there.
    case guestGone
    /// A frame came from the guest, or could be handed to it, after it had been gone.
    case guestBack
}
