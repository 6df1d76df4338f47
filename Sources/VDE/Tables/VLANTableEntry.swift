/// A VLAN of a switch and the ports in it, as `vlan/allprint` shows it.
public struct VLANTableEntry: Equatable, Sendable, Codable {
    /// A port in a VLAN.
    public struct Member: Equatable, Sendable, Codable {
        /// What the spanning tree lets the port do. Without a client a port is `learning`.
        public enum Status: String, Sendable, Codable {
            /// It takes nothing.
            case discarding = "Discarding"
            /// It learns addresses and passes nothing on.
            case learning = "Learning"
            /// It passes frames.
            case forwarding = "Forwarding"
        }

        /// The port's number.
        public var port: Int
        /// Whether the VLAN's frames carry a tag there: the port is a trunk for it. Else it is an access port.
        public var isTagged: Bool
        /// Whether a client is connected.
        public var isActive: Bool
        /// What the spanning tree lets the port do.
        public var status: Status

        /// A member from its parts.
        public init(port: Int, isTagged: Bool, isActive: Bool, status: Status) {
            self.port = port
            self.isTagged = isTagged
            self.isActive = isActive
            self.status = status
        }
    }

    /// The VLAN's number; 0 is what is in no VLAN.
    public var vlan: Int
    /// The ports in it, in ascending order.
    public var members: [Member]

    /// A VLAN from its parts.
    public init(vlan: Int, members: [Member]) {
        self.vlan = vlan
        self.members = members
    }

    /// Reads the table.
    static func table(_ lines: [String]) throws(TableError) -> [VLANTableEntry] {
        var entries: [VLANTableEntry] = []
        for line in lines {
            let words = TableWords(line)
            if line.hasPrefix("VLAN ") {
                entries.append(VLANTableEntry(vlan: try words.number(1), members: []))
            } else {
                guard !entries.isEmpty, line.hasPrefix(" -- Port "), let status = Member.Status(rawValue: try words.value("status=")) else {
                    throw TableError(line: line)
                }
                let member = Member(
                    port: try words.number(2), isTagged: try words.value("tagged=") == "1", isActive: try words.value("active=") == "1",
                    status: status)
                entries[entries.count - 1].members.append(member)
            }
        }
        return entries
    }
}
