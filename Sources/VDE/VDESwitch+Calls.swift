public import LabEvents

extension VDESwitch {
    /// Lets the switch learn at once that an address is at another port, as switches do.
    ///
    /// By default vde_switch believes the old port for 4 s after its last frame. The one gratuitous ARP by which a bond tells of its failover comes
    /// earlier, so the node would not be reached for a minute. It compares whole seconds with `>`, hence -1.
    func followMoves() async throws(Problem) { _ = try await ask("hash/setminper -1", to: "learn moved addresses at once") }

    /// Makes a VLAN without ports (`vlan/create`).
    ///
    /// - Parameter vlan: its number, in ``SwitchConfiguration/vlans``.
    /// - Throws: a problem, also when the VLAN exists.
    public func createVLAN(_ vlan: Int) async throws(Problem) {
        try check(vlan: vlan, from: 1, to: "create VLAN \(vlan)")
        _ = try await ask("vlan/create \(vlan)", to: "create VLAN \(vlan)")
    }

    /// Removes a VLAN that no port is in (`vlan/remove`).
    public func removeVLAN(_ vlan: Int) async throws(Problem) {
        try check(vlan: vlan, from: 1, to: "remove VLAN \(vlan)")
        _ = try await ask("vlan/remove \(vlan)", to: "remove VLAN \(vlan)")
    }

    /// Makes a port before its client comes (`port/create`), so that it can be put into VLANs. Only a client that asks for its number gets
    /// it.
    ///
    /// A port, with its VLANs and counters, lasts until ``removePort(_:)``: clients may come and go.
    public func createPort(_ port: Int) async throws(Problem) {
        try check(port: port, to: "create port \(port)")
        _ = try await ask("port/create \(port)", to: "create port \(port)")
    }

    /// Removes a port that has no client (`port/remove`), with its place in the VLANs.
    public func removePort(_ port: Int) async throws(Problem) {
        try check(port: port, to: "remove port \(port)")
        _ = try await ask("port/remove \(port)", to: "remove port \(port)")
    }

    /// Makes a port a trunk member of a VLAN: its frames carry the tag there (`vlan/addport`). Frames without a tag are not concerned.
    ///
    /// - Throws: a problem, also when the port or the VLAN does not exist.
    public func addPort(_ port: Int, toVLAN vlan: Int) async throws(Problem) {
        let purpose = "add port \(port) to VLAN \(vlan)"
        try check(port: port, to: purpose)
        try check(vlan: vlan, from: 1, to: purpose)
        _ = try await ask("vlan/addport \(vlan) \(port)", to: purpose)
    }

    /// Takes a trunk member out of a VLAN (`vlan/delport`).
    ///
    /// - Throws: a problem, also when it is an access port of the VLAN: ``setAccessVLAN(port:vlan:)`` moves that.
    public func removePort(_ port: Int, fromVLAN vlan: Int) async throws(Problem) {
        let purpose = "remove port \(port) from VLAN \(vlan)"
        try check(port: port, to: purpose)
        try check(vlan: vlan, from: 1, to: purpose)
        _ = try await ask("vlan/delport \(vlan) \(port)", to: purpose)
    }

    /// Makes a port an access port: what comes without a tag is in the VLAN, and the VLAN's frames leave without one (`port/setvlan`).
    ///
    /// - Parameters:
    ///   - port: an existing port.
    ///   - vlan: an existing VLAN; 0, where every port begins, for none.
    public func setAccessVLAN(port: Int, vlan: Int) async throws(Problem) {
        let purpose = "make port \(port) an access port of VLAN \(vlan)"
        try check(port: port, to: purpose)
        try check(vlan: vlan, from: 0, to: purpose)
        _ = try await ask("port/setvlan \(port) \(vlan)", to: purpose)
    }

    /// Makes a port drop what has no tag, in both directions (`port/setvlan` with 4095): a trunk without a native VLAN.
    public func dropUntagged(port: Int) async throws(Problem) {
        let purpose = "drop frames without a tag at port \(port)"
        try check(port: port, to: purpose)
        _ = try await ask("port/setvlan \(port) \(PortTableEntry.noVLAN)", to: purpose)
    }

    /// Every VLAN with its ports, VLAN 0 first (`vlan/allprint`).
    public func vlans() async throws(Problem) -> [VLANTableEntry] {
        try await table("vlan/allprint", of: "VLANs", VLANTableEntry.table)
    }

    /// Every port that exists (`port/allprint`).
    public func ports() async throws(Problem) -> [PortTableEntry] {
        try await table("port/allprint", of: "ports", PortTableEntry.table)
    }

    /// Every address that the switch has learned (`hash/print`), in no order.
    public func addressTable() async throws(Problem) -> [LearnedAddress] {
        try await table("hash/print", of: "addresses", LearnedAddress.table)
    }

    /// What went through a port (`port/allprint`).
    ///
    /// - Throws: a problem, also when the port does not exist.
    public func counters(port: Int) async throws(Problem) -> PortCounters {
        try check(port: port, to: "read the counters of port \(port)")
        let entries = try await table("port/allprint \(port)", of: "port \(port)", PortTableEntry.table)
        guard let counters = entries.first?.counters else {
            throw problem(to: "read the counters of port \(port)", why: "the switch shows no port", remedy: "look at \(options.log)")
        }
        return counters
    }

    private func table<Entry>(
        _ command: String, of what: String, _ parse: ([String]) throws(TableError) -> [Entry]
    ) async throws(Problem) -> [Entry] {
        let lines = try await ask(command, to: "read the table of \(what)")
        do throws(TableError) {
            return try parse(lines)
        } catch {
            throw problem(
                to: "read the table of \(what)", why: "'\(command)' has a line of unknown form: \(error.line)",
                remedy: "vde_switch 2.3.2 is what is known; see `vde_switch --version`")
        }
    }
}

// MARK: - Refusals

extension VDESwitch {
    func check(port: Int, to purpose: String) throws(Problem) {
        guard !(1...configuration.ports).contains(port) else { return }
        throw Problem(
            .invalidInput, "cannot \(purpose) on switch \(configuration.name)", location: "switch \(configuration.name)",
            why: "there is no port \(port)", remedy: "use a port from 1 to \(configuration.ports), or give the switch more ports")
    }

    // Here and not at the switch, because it takes 4095 for "drop frames without a tag", and port 0 as a port.
    private func check(vlan: Int, from first: Int, to purpose: String) throws(Problem) {
        guard vlan < first || vlan > SwitchConfiguration.vlans.upperBound else { return }
        throw Problem(
            .invalidInput, "cannot \(purpose) on switch \(configuration.name)", location: "switch \(configuration.name)",
            why: "\(vlan) is not a VLAN number", remedy: "use a VLAN from 1 to \(SwitchConfiguration.vlans.upperBound)")
    }

    /// The switch's refusal with what can be done about it.
    func refusal(_ reply: ManagementReply, of command: String, to purpose: String) -> Problem {
        let remedy: String? =
            switch (reply.code, command.split(separator: " ").first) {
            case (1006, _): "make the VLAN and the port first; a port exists from createPort or its first client on"
            case (1017, "vlan/create"): "the VLAN exists: leave this out, or remove it first"
            case (1017, _): "the port exists: leave this out"
            case (1022, _): "VLANs are 1 to \(SwitchConfiguration.vlans.upperBound), and ports 1 to \(configuration.ports)"
            case (1038, _): "this vde_switch does not know the command; version 2.3.2 does"
            case (1098, "vlan/remove"): "take the VLAN's ports out of it first"
            case (1098, "vlan/delport"): "it is an access port of the VLAN: give it another VLAN with setAccessVLAN"
            case (1098, "port/remove"): "end the port's client first"
            default: nil
            }
        return problem(to: purpose, why: "the switch answered '\(command)' with \(reply.code) \(reply.text)", remedy: remedy)
    }
}
