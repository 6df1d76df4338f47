import BuildRegistry
import FoundationEssentials
public import LabEvents
import NetworkProfiles
import QEMU

extension LabPlan: CustomStringConvertible {
    /// The plan for people, without reasons and arguments.
    public var description: String { description(explain: false, verbose: false) }

    /// The plan for people.
    ///
    /// - Parameters:
    ///   - explain: whether to add every decision with its reason; otherwise only those that deserve a warning.
    ///   - verbose: whether to add QEMU's arguments, one option on a line.
    public func description(explain: Bool, verbose: Bool) -> String {
        var parts = ["scenario \(scenario), seed \(seed)\n\(resources.summary)", nodeTable]
        if !segments.isEmpty { parts.append(segmentTable) }
        let decisions = explain ? resources.decisions : resources.warnings
        if !decisions.isEmpty {
            let lines = decisions.map { decision in
                "\(resources.warnings.contains(decision) ? "warning: " : "")\(decision.subject): \(decision.value) (\(decision.reason))"
            }
            parts.append(lines.joined(separator: "\n"))
        }
        if verbose { parts += nodes.map(Self.arguments) }
        parts.append("digest \(digest)")
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// The plan as JSON, with sorted keys.
    ///
    /// - Throws: a ``Problem`` of kind `failure` when a number in it has no form in JSON, such as an infinite pace.
    public func json() throws(Problem) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        } catch {
            throw Problem(.failure, "the plan cannot be written as JSON", why: "\(error)")
        }
    }

    private var nodeTable: String {
        var rows = [["node", "image", "boot", "vCPUs", "memory", "interface", "MAC", "port", "carries", "address"]]
        for node in nodes {
            var start = [node.name, node.image.name, node.bootMode.rawValue, "\(node.vcpus)", "\(node.memoryMiB) MiB"]
            func add(_ cells: [String]) {
                rows.append(start + cells)
                start = start.map { _ in "" }
            }
            for interface in node.interfaces where interface.port == nil {
                add([interface.name, interface.mac.description, "user", "", ""])
            }
            guard let planned = network?.node(node.name) else { continue }
            for link in planned.links {
                add([link.name, link.macText, planned.place(of: link), link.carries, link.addressText])
            }
        }
        return Self.table(rows)
    }

    private var segmentTable: String {
        let rows = segments.map { segment in
            let vlans = Set(segment.ports.flatMap(\.vlans.vlans)).sorted()
            return [segment.name, "\(segment.ports.count)", vlans.map { $0 == 0 ? "plain" : "\($0)" }.joined(separator: " ")]
        }
        let trunks = (network?.trunks ?? []).map { "trunk \($0.name): \($0.first) – \($0.second), \($0.vlans)" }
        return ([Self.table([["segment", "ports", "VLANs"]] + rows)] + trunks).joined(separator: "\n")
    }

    private static func table(_ rows: [[String]]) -> String { TextTable.lines(rows).joined(separator: "\n") }

    private static func arguments(of node: NodePlan) -> String {
        node.arguments.reduce(into: "\(node.name): qemu-system-x86_64") { text, argument in
            text += (argument.hasPrefix("-") ? "\n    " : " ") + argument
        }
    }
}
