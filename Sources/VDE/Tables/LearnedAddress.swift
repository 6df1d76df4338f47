/// An address that a switch has seen, as `hash/print` shows it. It forgets an address after 100 s of silence, and at once when the port's last
/// client leaves.
public struct LearnedAddress: Equatable, Sendable, Codable {
    /// The Ethernet address, in lower case with colons: `52:54:00:12:34:56`.
    public var address: String
    /// The VLAN it was seen in; 0 for none.
    public var vlan: Int
    /// The port behind which it is.
    public var port: Int
    /// The time since its last frame, in whole seconds.
    public var age: Int

    /// An address from its parts.
    public init(address: String, vlan: Int, port: Int, age: Int) {
        self.address = address
        self.vlan = vlan
        self.port = port
        self.age = age
    }

    /// Reads the table.
    static func table(_ lines: [String]) throws(TableError) -> [LearnedAddress] {
        var addresses: [LearnedAddress] = []
        for line in lines {
            let words = TableWords(line)
            guard line.hasPrefix("Hash: ") else { throw TableError(line: line) }
            addresses.append(
                LearnedAddress(
                    address: try words.word(after: "Addr:"), vlan: try words.integer(try words.word(after: "VLAN")),
                    port: try words.integer(try words.word(after: "port:")), age: try words.integer(try words.word(after: "age"))))
        }
        return addresses
    }
}
