public import LabEvents

/// What a switch is made of, and its vde_switch(1) arguments.
public struct SwitchConfiguration: Sendable, Codable, Equatable {
    /// The VLAN numbers that vde_switch has: it keeps 0 for what is in no VLAN, and refuses 4094, which 802.1Q would allow.
    public static let vlans = 1...4093
    /// How many ports a switch may have. vde_switch writes a table with one call and cuts off what the socket does not take, some 200 KB:
    /// a table of that many ports fits.
    public static let portLimit = 255
    /// The most bytes that the socket folder's path may have: the sockets of a client are in it as `/NNN.FFFFF` (port, file descriptor) and
    /// `/.PPPPPPP-NNNNN` (process id, number), and a name that does not fit into ``UnixSocketPath/limit`` bytes is cut off silently.
    /// libvdeplug looks for a free number without end where the number is what was cut off.
    public static let folderLimit = UnixSocketPath.limit - 15

    /// The segment's name; errors say it.
    public var name: String
    /// The folder with the sockets that clients connect to: what QEMU's `-netdev vde,sock=` takes. Made by the switch; its parent exists.
    public var socketFolder: String
    /// The socket of the management protocol.
    public var managementSocket: String
    /// The number of ports; clients ask for 1 up to this number.
    public var ports: Int

    /// A switch from its parts.
    public init(name: String, socketFolder: String, managementSocket: String, ports: Int) {
        self.name = name
        self.socketFolder = socketFolder
        self.managementSocket = managementSocket
        self.ports = ports
    }

    /// The arguments after the program's name: a foreground switch that nobody but its user may talk to.
    ///
    /// - Parameter script: a file of management commands that the switch runs before its first client; none by default.
    public func arguments(script: String = "/dev/null") -> [String] {
        [
            "-s", socketFolder, "-m", "0600", "--dirmode", "0700", "-M", managementSocket, "--mgmtmode", "0600",
            // vde_switch 2.3.2 counts port 0, which is nobody's.
            "-n", String(ports + 1),
            // Else it runs the user's own commands, from ~/.vde2 or /etc/vde2.
            "-f", script,
        ]
    }

    /// Checks what can be checked without effects.
    ///
    /// - Throws: a problem of kind `invalidInput` for a number of ports outside 1...``portLimit``, and for paths that are relative, too long
    ///   or hold what a VDE address or QEMU's option cannot.
    public func validate() throws(Problem) {
        guard (1...Self.portLimit).contains(ports) else {
            throw invalid("has \(ports) ports", why: "a switch has 1 to \(Self.portLimit)", remedy: "use more segments, or fewer ports")
        }
        for path in [socketFolder, managementSocket] {
            guard path.hasPrefix("/"), !path.utf8.contains(where: { $0 < 0x20 || "[],".utf8.contains($0) }) else {
                throw invalid(
                    "has an unusable path", why: "'\(path)' is relative, or has a bracket, comma or control character",
                    remedy: "use an absolute path of letters, digits, - and .")
            }
        }
        try UnixSocketPath.check(managementSocket)
        try checkFolder(socketFolder)
    }

    /// Checks the length of the socket folder's path as the switch will use it, or as it is known.
    func checkFolder(_ path: String) throws(Problem) {
        let length = path.utf8.count
        guard length > Self.folderLimit else { return }
        throw Problem(
            .invalidInput, "the socket folder of switch \(name) has too long a path", location: path,
            why: "it has \(length) bytes; \(Self.folderLimit) leave room for the clients' sockets in it",
            remedy: "use a shorter folder for sockets, for example under /run or /tmp")
    }

    private func invalid(_ what: String, why: String, remedy: String) -> Problem {
        Problem(.invalidInput, "switch \(name) \(what)", location: "switch \(name)", why: why, remedy: remedy)
    }
}
