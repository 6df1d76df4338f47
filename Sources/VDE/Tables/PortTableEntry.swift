/// What went through a port since the switch started. A client's leaving does not reset it.
public struct PortCounters: Equatable, Sendable, Codable {
    /// Frames that came into the switch.
    public var packetsIn: Int
    /// Bytes of the frames that came into the switch, with their tags; a frame counts for at least 60.
    public var bytesIn: Int
    /// Frames that left the switch.
    public var packetsOut: Int
    /// Bytes of the frames that left the switch, with their tags.
    public var bytesOut: Int

    /// Counters from their values.
    public init(packetsIn: Int, bytesIn: Int, packetsOut: Int, bytesOut: Int) {
        self.packetsIn = packetsIn
        self.bytesIn = bytesIn
        self.packetsOut = packetsOut
        self.bytesOut = bytesOut
    }
}

/// A port of a switch, as `port/allprint` shows it. A port exists from its creation, or from its first client, on.
public struct PortTableEntry: Equatable, Sendable, Codable {
    /// A client of a port. Several may share one, if they are the same user's.
    public struct Endpoint: Equatable, Sendable, Codable {
        /// The switch's number for it.
        public var identifier: Int
        /// What it says about itself; QEMU gives its name and pid.
        public var description: String

        /// An endpoint from its parts.
        public init(identifier: Int, description: String) {
            self.identifier = identifier
            self.description = description
        }
    }

    /// The port's number, from 1.
    public var number: Int
    /// The VLAN that frames without a tag are in; 0 for none. Nil when they are dropped.
    public var untaggedVLAN: Int?
    /// Whether a client is connected.
    public var isActive: Bool
    /// Whether a client that asks for any port may get this one.
    public var isAllocatable: Bool
    /// What went through it.
    public var counters: PortCounters
    /// The clients.
    public var endpoints: [Endpoint]

    /// A port from its parts.
    public init(
        number: Int, untaggedVLAN: Int?, isActive: Bool, isAllocatable: Bool, counters: PortCounters, endpoints: [Endpoint]
    ) {
        self.number = number
        self.untaggedVLAN = untaggedVLAN
        self.isActive = isActive
        self.isAllocatable = isAllocatable
        self.counters = counters
        self.endpoints = endpoints
    }

    /// The number that stands for "no VLAN": frames without a tag are dropped.
    static let noVLAN = 4095

    /// Reads the table. Lines of another form are skipped: a client's description may have several.
    static func table(_ lines: [String]) throws(TableError) -> [PortTableEntry] {
        var entries: [PortTableEntry] = []
        for line in lines {
            let words = TableWords(line)
            if line.hasPrefix("Port ") {
                entries.append(try port(words))
            } else if let last = entries.indices.last {
                if line.hasPrefix(" IN:") {
                    (entries[last].counters.packetsIn, entries[last].counters.bytesIn) = (try words.number(2), try words.number(4))
                } else if line.hasPrefix(" OUT:") {
                    (entries[last].counters.packetsOut, entries[last].counters.bytesOut) = (try words.number(2), try words.number(4))
                } else if line.hasPrefix("  -- endpoint ID ") {
                    let description = line.split(separator: ": ", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
                    entries[last].endpoints.append(Endpoint(identifier: try words.number(3), description: description))
                }
            } else {
                throw TableError(line: line)
            }
        }
        return entries
    }

    private static func port(_ words: TableWords) throws(TableError) -> PortTableEntry {
        let vlan = try words.integer(try words.value("untagged_vlan="))
        return PortTableEntry(
            number: try words.number(1), untaggedVLAN: vlan == noVLAN ? nil : vlan, isActive: words.contains("ACTIVE"),
            isAllocatable: !words.contains("NOT"), counters: PortCounters(packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0),
            endpoints: [])
    }
}
