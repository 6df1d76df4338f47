/// The folders that a lab's files lie in. Every path of a lab is made here and in ``NodeFiles``, for the printed plan and for the real run alike.
public struct LabFolders: Codable, Sendable, Equatable {
    /// The run directory.
    public var run: String
    /// Sockets, and raw logs that nobody has redacted yet; a short path, because a socket's has at most 107 bytes (unix(7)).
    public var sockets: String
    /// RAM files.
    public var ram: String
    /// The images of the cache, one folder for each key.
    public var images: String
    /// The file with the UEFI code; see ``QEMU/Firmware/code``.
    public var firmware: String

    /// Folders; all paths are absolute.
    public init(run: String, sockets: String, ram: String, images: String, firmware: String) {
        self.run = run
        self.sockets = sockets
        self.ram = ram
        self.images = images
        self.firmware = firmware
    }

    /// The registry, which lies beside the images.
    var registry: String { images.hasPrefix("$") ? "$REGISTRY" : images + "/../registry" }

    /// The names that stand for the folders in a plan, so that it is the same on every host.
    public static let placeholders = LabFolders(
        run: "$RUN", sockets: "$SOCKETS", ram: "$RAM", images: "$IMAGES", firmware: "$FIRMWARE")

    /// The files of a node.
    public func files(of node: NodePlan) -> NodeFiles { NodeFiles(name: node.name, index: node.index, folders: self) }
}

/// The datagram sockets of one network card that is not plugged straight into its switch.
struct CardSockets: Sendable, Equatable {
    /// QEMU's.
    var guest: String
    /// That of the cable or the link aggregation.
    var host: String
    /// The start of those between a cable and a link aggregation.
    var legs: String
}

/// Where the files of one node lie.
public struct NodeFiles: Sendable, Equatable {
    /// The node's folder in the run directory.
    public let folder: String
    /// The node's folder for sockets. It is called by the node's number: a name may be too long for a socket's path.
    public let sockets: String
    /// The RAM file.
    public let ram: String

    init(name: String, index: Int, folders: LabFolders) {
        folder = "\(folders.run)/nodes/\(name)"
        sockets = "\(folders.sockets)/n\(index)"
        ram = "\(folders.ram)/\(name)"
    }

    /// The redacted serial console of all boots.
    public var serialLog: String { "\(folder)/serial.log" }
    /// What QEMU itself said.
    public var errorLog: String { "\(folder)/stderr.log" }
    /// The traffic on the QMP socket.
    public var monitorLog: String { "\(folder)/qmp.jsonl" }
    /// QEMU's arguments as they were used.
    public var arguments: String { "\(folder)/qemu.args" }
    /// The disk that the guest writes, an overlay on the image's.
    public var overlay: String { "\(folder)/disk0.qcow2" }
    /// This run's copy of the UEFI variables.
    public var uefiVariables: String { "\(folder)/uefi-variables.fd" }
    /// The start of the paths of the serial console's sockets and raw logs; see ``QEMU/SerialConsole``.
    public var serialPrefix: String { socket("serial") }
    /// Where QEMU listens for QMP.
    public var monitorSocket: String { socket("qmp") }
    /// Where the console with the test backdoor is.
    public var backdoorSocket: String { socket("hvc0") }
    /// Where the console for terminals is.
    public var terminalSocket: String { socket("hvc1") }
    /// Where qemu-guest-agent is.
    public var agentSocket: String { socket("agent") }

    /// The sockets between a network card and what joins it to its switch.
    ///
    /// - Parameter index: the card's place among the node's, from 0.
    func card(_ index: Int) -> CardSockets {
        CardSockets(guest: socket("e\(index).g"), host: socket("e\(index).h"), legs: socket("e\(index)"))
    }

    /// Where the port of a shell is; see ``GuestShell/PortNames``.
    public func portSocket(_ name: String) -> String { socket(name) }

    private func socket(_ name: String) -> String { "\(sockets)/\(name)" }
}
