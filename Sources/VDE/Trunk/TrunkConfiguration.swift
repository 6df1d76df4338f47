public import LabEvents

/// What a trunk is made of, and its wirefilter(1) arguments. A trunk joins a port of one switch to a port of another; which VLANs pass is
/// what the two ports carry.
public struct TrunkConfiguration: Sendable, Codable, Equatable {
    /// The trunk's name; errors say it.
    public var name: String
    /// The port at one end, wirefilter's left.
    public var first: PortAddress
    /// The port at the other end, wirefilter's right.
    public var second: PortAddress
    /// The socket of wirefilter's management protocol.
    public var managementSocket: String

    /// A trunk from its parts.
    public init(name: String, first: PortAddress, second: PortAddress, managementSocket: String) {
        (self.name, self.first, self.second, self.managementSocket) = (name, first, second, managementSocket)
    }

    /// The arguments after the program's name: a filter in the foreground that changes nothing and obeys its user alone.
    public var arguments: [String] { ["-v", "\(first.plug):\(second.plug)", "-M", managementSocket, "--mgmtmode", "0600"] }

    /// Checks what can be checked without effects.
    ///
    /// - Throws: a problem of kind `invalidInput` for port numbers out of range, paths that are relative, too long or hold what a VDE address
    ///   cannot, and for a trunk that would join a switch to itself: frames would go round for ever.
    public func validate() throws(Problem) {
        try first.validate()
        try second.validate()
        try UnixSocketPath.check(managementSocket)
        guard managementSocket.hasPrefix("/") else {
            throw Problem(.invalidInput, "trunk \(name) has a relative path", location: managementSocket, remedy: "use an absolute path")
        }
        guard first.switchFolder != second.switchFolder else {
            throw Problem(
                .invalidInput, "trunk \(name) joins a switch to itself", location: first.switchFolder, why: "frames would go round for ever"
            )
        }
    }
}

extension HostTool {
    /// What joins two switches.
    public static let wirefilter = HostTool(name: "wirefilter", package: "vde-wirefilter")
}
