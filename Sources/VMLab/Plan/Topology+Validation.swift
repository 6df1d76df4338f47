import Glibc
public import LabEvents
import QEMU

extension Topology {
    /// The most nodes of a lab. One switch, one owner process and one host are meant for less.
    public static let nodeLimit = 64
    /// The least memory that may be asked for, in MiB: a Linux kernel with an initramfs does not unpack in less.
    public static let leastMemoryMiB = 128
    /// The most memory that may be asked for, in MiB: the same as an image description may.
    static let mostMemoryMiB = 1_048_576

    /// Checks what can be known without images and host.
    ///
    /// - Throws: a ``Problem`` of kind `invalidInput` that names the first thing which is not acceptable: no node or more than ``nodeLimit``, a
    ///   name that is malformed or there twice, a size out of range, an unknown segment, an address that is malformed or there twice.
    public func validate() throws(Problem) {
        guard !nodes.isEmpty else { throw Self.refusal("the topology has no node", remedy: "name at least one") }
        guard nodes.count <= Self.nodeLimit else {
            throw Self.refusal("the topology has too many nodes", why: "\(nodes.count) given, the limit is \(Self.nodeLimit)")
        }
        for segment in segments { try Self.checkName(segment.name, of: "segment") }
        try Self.checkUnique(segments.map(\.name), of: "segment")
        for node in nodes { try check(node) }
        try Self.checkUnique(nodes.map(\.name), of: "node")
        try checkAddresses()
    }

    private func check(_ node: NodeRequest) throws(Problem) {
        try Self.checkName(node.name, of: "node")
        let place = "node \(node.name)"
        if let memory = node.memoryMiB, !(Self.leastMemoryMiB...Self.mostMemoryMiB).contains(memory) {
            throw Self.refusal(
                "\(memory) MiB of memory is not acceptable", place, why: "a guest has \(Self.leastMemoryMiB) to \(Self.mostMemoryMiB) MiB")
        }
        if let vcpus = node.vcpus, !(1...255).contains(vcpus) {
            throw Self.refusal("\(vcpus) vCPUs are not acceptable", place, why: "a guest has 1 to 255")
        }
        // One place on the PCI bus is eth0's.
        guard node.interfaces.count < PCILayout.interfaceLimit else {
            throw Self.refusal(
                "too many interfaces", place, why: "\(node.interfaces.count) given, \(PCILayout.interfaceLimit - 1) fit beside eth0")
        }
        for (index, interface) in node.interfaces.enumerated() { try check(interface, at: index + 1, place) }
        try Self.checkUnique(node.interfaces.map(\.name), of: "interface", place)
    }

    private func check(_ interface: InterfaceRequest, at position: Int, _ place: String) throws(Problem) {
        let name = interface.name
        // IFNAMSIZ is 16 with the final NUL (netdevice(7)).
        guard (1...15).contains(name.utf8.count), name.utf8.allSatisfy({ Self.isAlphanumeric($0) || "-_.".utf8.contains($0) }) else {
            throw Self.refusal("interface name '\(name)' is not acceptable", place, why: "it has 1 to 15 letters, digits, '-', '_' and '.'")
        }
        // Guests name interfaces in the order in which they find them, whatever the plan calls them.
        if name.hasPrefix("eth"), let number = Int(name.dropFirst(3)), number != position {
            throw Self.refusal(
                "interface \(name) is not at its place", place,
                why: "eth0 is the user-mode network, and the guest will call this one eth\(position)", remedy: "call it eth\(position)")
        }
        guard segments.contains(where: { $0.name == interface.segment }) else {
            throw Self.refusal(
                "there is no segment called '\(interface.segment)'", "\(place), interface \(name)",
                why: segments.isEmpty ? "the topology has no segment" : "it has \(segments.map(\.name).joined(separator: ", "))")
        }
    }

    private func checkAddresses() throws(Problem) {
        var owners: [String: [[UInt8]: String]] = [:]
        for node in nodes {
            for interface in node.interfaces {
                guard let address = interface.address else { continue }
                let place = "node \(node.name), interface \(interface.name)"
                guard let bytes = Self.addressBytes(cidr: address) else {
                    throw Self.refusal(
                        "'\(address)' is not an address with its prefix length", place, remedy: "write for example 192.168.1.1/24")
                }
                if let other = owners[interface.segment, default: [:]].updateValue(place, forKey: bytes) {
                    throw Self.refusal("segment \(interface.segment) has the address \(address) twice", "\(other); \(place)")
                }
            }
        }
    }

    /// The bytes of the address before the `/`, 4 or 16 of them; nil when the text is no IPv4 or IPv6 address with a prefix length (RFC 4632,
    /// RFC 4291).
    static func addressBytes(cidr: String) -> [UInt8]? {
        let parts = cidr.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = Int(parts[1]), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let (family, count) = parts[0].contains(":") ? (AF_INET6, 16) : (AF_INET, 4)
        var bytes = [UInt8](repeating: 0, count: count)
        guard inet_pton(family, String(parts[0]), &bytes) == 1, length <= count * 8 else { return nil }
        return bytes
    }

    private static func checkName(_ name: String, of kind: String) throws(Problem) {
        let bytes = Array(name.utf8)
        let isPlain = bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        guard (1...32).contains(bytes.count), isPlain, !name.hasPrefix("-"), !name.hasSuffix("-") else {
            throw refusal(
                "\(kind) name '\(name)' is not acceptable",
                why: "it becomes a host name and a file name: 1 to 32 letters, digits and '-', the latter not first or last")
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    /// Host names are the same whatever their case is.
    private static func checkUnique(_ names: [String], of kind: String, _ place: String? = nil) throws(Problem) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name.lowercased()).inserted {
            throw refusal("two \(kind)s are called '\(name)'", place, remedy: "choose another name for one of them")
        }
    }

    private static func refusal(_ what: String, _ place: String? = nil, why: String? = nil, remedy: String? = nil) -> Problem {
        Problem(.invalidInput, what, location: place, why: why, remedy: remedy)
    }
}
