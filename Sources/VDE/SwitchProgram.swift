public import LabEvents

/// What each port of a switch may carry. A port that is not named carries nothing.
public struct SwitchProgram: Sendable, Equatable, Codable {
    /// What one port carries.
    public struct Port: Sendable, Equatable, Codable {
        /// The port's number, from 1.
        public var number: Int
        /// The VLAN of frames without a tag: 0 for the plain network, which is in no VLAN; nil when such frames are dropped.
        public var untagged: Int?
        /// The VLANs whose frames carry their tag.
        public var tagged: [Int]

        /// A port from its parts.
        public init(_ number: Int, untagged: Int?, tagged: [Int] = []) {
            (self.number, self.untagged, self.tagged) = (number, untagged, tagged)
        }

        /// Whether it carries frames without a tag and others with one. vde_switch, like other switches, takes the outer tag off a frame that
        /// leaves without one, and the frame may have a second tag, which the sender chose: behind such a port it is the first one. So at an
        /// end of a trunk this lets a sender of the untagged network reach the tagged ones; two trunks, one of each kind, do not.
        public var isHybrid: Bool { untagged != nil && !tagged.isEmpty }
    }

    /// The ports that carry something.
    public var ports: [Port]

    /// A program from its ports.
    public init(ports: [Port]) { self.ports = ports }

    /// Checks what can be checked without the switch.
    ///
    /// - Parameter portCount: how many ports the switch has.
    /// - Throws: a problem of kind `invalidInput` for a number out of its range, or one that is named twice.
    public func validate(portCount: Int) throws(Problem) {
        var seen: Set<Int> = []
        for port in ports {
            let vlans = port.tagged + (port.untagged.map { $0 == 0 ? [] : [$0] } ?? [])
            let why: String
            if !(1...portCount).contains(port.number) {
                why = "the switch has ports 1 to \(portCount)"
            } else if !seen.insert(port.number).inserted {
                why = "it is named twice"
            } else if let vlan = vlans.first(where: { !SwitchConfiguration.vlans.contains($0) }) {
                why = "\(vlan) is not a VLAN number; they are 1 to \(SwitchConfiguration.vlans.upperBound)"
            } else if Set(vlans).count != vlans.count {
                why = "it carries a VLAN twice"
            } else {
                continue
            }
            throw Problem(.invalidInput, "port \(port.number) cannot be programmed", location: "port \(port.number)", why: why)
        }
    }

    /// The management commands that make a switch without ports carry this, but for port 0, which has none.
    func script(portCount: Int) -> String {
        let wanted = carriage(portCount: portCount)
        // As ``VDESwitch/followMoves()``, before the first client comes.
        var lines = ["hash/setminper -1"] + (1...portCount).map { "port/create \($0)" } + vlans.map { "vlan/create \($0)" }
        for port in 1...portCount {
            lines += wanted[port].tagged.sorted().map { "vlan/addport \($0) \(port)" }
            let untagged = wanted[port].untagged ?? PortTableEntry.noVLAN
            if untagged != 0 { lines.append("port/setvlan \(port) \(untagged)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Every VLAN that some port carries, ascending, without the plain network.
    var vlans: [Int] { Set(ports.flatMap { $0.tagged + [$0.untagged ?? 0] }).subtracting([0]).sorted() }

    /// What the ports 0 to `portCount` are to carry. Port 0 is nobody's, yet a client that asks for it gets it.
    func carriage(portCount: Int) -> [Carriage] {
        var carriage = (0...portCount).map { _ in Carriage(untagged: nil, tagged: []) }
        for port in ports { carriage[port.number] = Carriage(untagged: port.untagged, tagged: Set(port.tagged)) }
        return carriage
    }
}

/// What one port carries, in a form that can be compared.
struct Carriage: Equatable {
    var untagged: Int?
    var tagged: Set<Int>

    /// What the ports 0 to `portCount` carry by a switch's tables. One that does not exist will be in VLAN 0 when its client comes.
    static func read(vlans: [VLANTableEntry], ports: [PortTableEntry], portCount: Int) -> [Carriage] {
        var carriage = (0...portCount).map { _ in Carriage(untagged: 0, tagged: []) }
        for port in ports where carriage.indices.contains(port.number) { carriage[port.number].untagged = port.untaggedVLAN }
        for entry in vlans {
            for member in entry.members where member.isTagged && carriage.indices.contains(member.port) {
                carriage[member.port].tagged.insert(entry.vlan)
            }
        }
        return carriage
    }

    /// In what it differs from what it should be, in words; none when it does not.
    func differences(from wanted: Carriage) -> [String] {
        var words: [String] = []
        for vlan in wanted.tagged.subtracting(tagged).sorted() { words.append("VLAN \(vlan) missing") }
        for vlan in tagged.subtracting(wanted.tagged).sorted() { words.append("VLAN \(vlan) unexpected") }
        let name = { (vlan: Int?) in vlan.map { $0 == 0 ? "in the plain network" : "in VLAN \($0)" } ?? "dropped" }
        if untagged != wanted.untagged { words.append("frames without a tag \(name(untagged)) instead of \(name(wanted.untagged))") }
        return words
    }
}
