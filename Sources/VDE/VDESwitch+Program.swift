public import LabEvents

extension VDESwitch {
    /// Makes every port of the switch carry exactly what a program says, and reads that back. What is so already is left alone, so ports keep
    /// their clients; what must go goes first. Ports that the program does not name exist afterwards and carry nothing, whoever joins them:
    /// left alone, vde_switch would put a new port's client into the plain network.
    ///
    /// - Throws: a problem of kind `invalidInput` for a program that cannot be; of kind `failure` when the tables read back differ, with every
    ///   difference; or as the management calls do.
    public func apply(_ program: SwitchProgram) async throws(Problem) {
        try program.validate(portCount: configuration.ports)
        let wanted = program.carriage(portCount: configuration.ports)
        let table = try await vlans()
        let existing = try await ports()
        for port in 1...configuration.ports where !existing.contains(where: { $0.number == port }) { try await createPort(port) }
        if wanted[0] != Carriage.read(vlans: table, ports: existing, portCount: 0)[0] { try await closePortZero() }
        let actual = Carriage.read(vlans: table, ports: existing, portCount: configuration.ports)
        for port in 1...configuration.ports {
            // One that is to move goes by way of none: the VLAN that it leaves may be one that it is to carry with the tag.
            if actual[port].untagged != wanted[port].untagged, actual[port].untagged != nil { try await dropUntagged(port: port) }
            for vlan in actual[port].tagged.subtracting(wanted[port].tagged).sorted() {
                if vlan == 0 { try await leavePlain(port) } else { try await removePort(port, fromVLAN: vlan) }
            }
        }
        let known = Set(table.map(\.vlan))
        for vlan in known.subtracting(program.vlans).subtracting([0]).sorted() { try await removeVLAN(vlan) }
        for vlan in program.vlans where !known.contains(vlan) { try await createVLAN(vlan) }
        for port in 1...configuration.ports {
            for vlan in wanted[port].tagged.subtracting(actual[port].tagged).sorted() { try await addPort(port, toVLAN: vlan) }
            if let vlan = wanted[port].untagged, actual[port].untagged != vlan { try await setAccessVLAN(port: port, vlan: vlan) }
        }
        try await check(program)
    }

    /// Compares what every port of the switch carries with a program, and changes nothing.
    ///
    /// - Throws: a problem of kind `failure` that lists every difference; or as the management calls do.
    public func check(_ program: SwitchProgram) async throws(Problem) {
        try program.validate(portCount: configuration.ports)
        let wanted = program.carriage(portCount: configuration.ports)
        let actual = Carriage.read(vlans: try await vlans(), ports: try await ports(), portCount: configuration.ports)
        let differences = wanted.indices.compactMap { port in
            let words = actual[port].differences(from: wanted[port])
            return words.isEmpty ? nil : "port \(port): \(words.joined(separator: "; "))"
        }
        guard !differences.isEmpty else { return }
        throw Problem(
            .failure, "the ports of switch \(configuration.name) do not carry what they should", location: "switch \(configuration.name)",
            why: differences.joined(separator: "\n"),
            remedy: "somebody else may have changed it through \(configuration.managementSocket)")
    }

    // `vlan/delport 0` for a port with a tag in VLAN 0, which no call here makes.
    private func leavePlain(_ port: Int) async throws(Problem) {
        _ = try await ask("vlan/delport 0 \(port)", to: "take port \(port) out of the plain network")
    }

    /// Makes port 0 drop what has no tag. The management can make no port 0 (`port/create 0` makes any), so its first client is ours; the port
    /// stays when that one leaves.
    private func closePortZero() async throws(Problem) {
        do {
            try await holdPortZero { _ = try await ask("port/setvlan 0 \(PortTableEntry.noVLAN)", to: "close port 0") }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw problem(to: "close port 0", why: "\(error)", remedy: nil)
        }
    }
}
