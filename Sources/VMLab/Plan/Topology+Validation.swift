public import LabEvents
import NetworkProfiles
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
    ///   name that is malformed or there twice, a size out of range, too many interfaces, a network with other nodes.
    public func validate() throws(Problem) {
        guard !nodes.isEmpty else { throw Self.refusal("the topology has no node", remedy: "name at least one") }
        guard nodes.count <= Self.nodeLimit else {
            throw Self.refusal("the topology has too many nodes", why: "\(nodes.count) given, the limit is \(Self.nodeLimit)")
        }
        for node in nodes { try check(node) }
        try Self.checkUnique(nodes.map(\.name), of: "node")
        for member in network?.nodes ?? [] { try check(member) }
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
    }

    private func check(_ member: NodeNetwork) throws(Problem) {
        guard nodes.contains(where: { $0.name == member.name }) else {
            throw Self.refusal("the network has a node '\(member.name)' that the topology lacks", why: "\(nodes.map(\.name))")
        }
        // One place on the PCI bus is eth0's.
        guard member.cards.count < PCILayout.interfaceLimit else {
            throw Self.refusal(
                "too many interfaces", "node \(member.name)",
                why: "\(member.cards.count) given, \(PCILayout.interfaceLimit - 1) fit beside eth0")
        }
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
