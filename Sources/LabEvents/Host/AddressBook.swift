/// Hardware addresses that differ from each other: three bytes of a digest may be equal by chance, and then another digest is taken.
public struct AddressBook {
    private let lab: String
    private var used: Set<MACAddress> = []

    /// A book without addresses.
    ///
    /// - Parameter lab: what the addresses are derived from beside node and interface; see ``MACAddress/init(lab:node:interface:)``.
    public init(lab: String) { self.lab = lab }

    /// Keeps an address for who asks for it.
    public mutating func keep(_ mac: MACAddress) { used.insert(mac) }

    /// The address of an interface, which it keeps.
    public mutating func next(node: String, interface: String) -> MACAddress {
        var address = MACAddress(lab: lab, node: node, interface: interface)
        var attempt = 1
        while !used.insert(address).inserted {
            attempt += 1
            address = MACAddress(lab: lab, node: node, interface: "\(interface)#\(attempt)")
        }
        return address
    }
}
