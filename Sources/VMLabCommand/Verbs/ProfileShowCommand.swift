import ArgumentParser
import FoundationEssentials
import LabEvents
import NetworkProfiles

/// `vmlab profile show`: what a lab with the profile would have.
struct ProfileShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what a profile comes to: networks, switches with their ports, nodes with interfaces and addresses.")

    @Argument(help: "The name of a profile, or the path of a .yaml file.")
    var profile: String

    @Option(help: "The nodes that there are to be, with commas between them; all by default.")
    var nodes: String?

    @Option(help: "The scenario's name, from which hardware addresses are derived; the profile's name by default.")
    var lab: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let profile = try ProfileCatalog.standard().profile(profile)
        let plan = try profile.plan(lab: lab ?? profile.name, nodes: nodes?.split(separator: ",").map { $0.trimmingSpaces })
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            Terminal.print(String(decoding: try encoder.encode(plan), as: UTF8.self))
            return
        }
        Terminal.print("\(profile.name): \(profile.summary)")
        for table in ProfileTables(plan).all where table.count > 1 {
            Terminal.print("")
            Terminal.table(table)
        }
        if let failure = plan.expectedFailure {
            Terminal.print("\nmeant to fail: \(failure.unreachable.joined(separator: ", "))\n  why: \(failure.reason)")
        }
    }
}

/// A plan as tables; each begins with its heading.
struct ProfileTables {
    let plan: NetworkPlan

    init(_ plan: NetworkPlan) { self.plan = plan }

    var all: [[[String]]] { [networks, switches, interfaces, services, impairments] }

    private var networks: [[String]] {
        [["NETWORK", "IPV4", "IPV6"]] + plan.networks.map { [$0.name, $0.ipv4?.description ?? "-", $0.ipv6?.description ?? "-"] }
    }

    private var switches: [[String]] {
        var rows = [["SWITCH", "PORT", "PEER", "UNTAGGED", "TAGGED"]]
        for segment in plan.segments {
            for port in segment.ports { rows.append([segment.name, "\(port.number)", peer(port, on: segment.name)] + carried(port.vlans)) }
        }
        return rows
    }

    private func peer(_ port: PortPlan, on segment: String) -> String {
        switch port.peer {
        case .nic(let node, let interface):
            let own = PortReference(segment: segment, number: port.number)
            guard let joined = plan.node(node)?.aggregationPort(of: interface) else { return "\(node) \(interface)" }
            return joined == own ? "\(node) \(interface), LAG" : "empty: \(node) \(interface) is at \(joined), LAG"
        case .trunk(let name):
            guard let trunk = plan.trunks.first(where: { $0.name == name }) else { return "trunk \(name)" }
            let far = trunk.first == PortReference(segment: segment, number: port.number) ? trunk.second : trunk.first
            return "trunk \(name) to \(far)"
        }
    }

    /// What a port carries without a tag and with one; `plain` is the network of frames in no VLAN.
    private func carried(_ vlans: PortVLANs) -> [String] {
        [
            vlans.untagged.map { $0 == 0 ? "plain" : "\($0)" } ?? "-",
            vlans.tagged.isEmpty ? "-" : vlans.tagged.map(String.init).joined(separator: " "),
        ]
    }

    private var interfaces: [[String]] {
        var rows = [["NODE", "INTERFACE", "KIND", "NETWORK", "ADDRESS", "MAC", "MTU"]]
        for node in plan.nodes {
            for link in node.links {
                let addresses = link.addresses.map(\.description).joined(separator: " ") + (link.dhcp ? " (DHCP)" : "")
                rows.append([
                    node.name, link.name, kind(link, of: node), link.network ?? "-", addresses.isEmpty ? "-" : addresses, "\(link.mac)",
                    "\(link.mtu)",
                ])
            }
            if node.links.isEmpty { rows.append([node.name] + Array(repeating: "-", count: 6)) }
        }
        return rows
    }

    private func kind(_ link: LinkPlan, of node: NodeNetwork) -> String {
        switch link.kind {
        case .card(let card): "card on \(node.aggregationPort(of: link.name) ?? card.port)" + (card.bond.map { ", leg of \($0)" } ?? "")
        case .bond(let bond): "bond of \(bond.legs.joined(separator: " ")), \(bond.mode.rawValue)"
        case .vlan(let id, let parent): "VLAN \(id) on \(parent)"
        }
    }

    private var services: [[String]] {
        var rows = [["SERVICE", "SERVES ON", "POOL", "LEASE", "IMAGE", "MEMORY", "CPUS"]]
        for node in plan.nodes {
            guard let service = node.service else { continue }
            rows.append([
                node.name, "\(service.interface) (DHCP, \(service.reservations.count) reserved)",
                "\(service.poolStart.address) to \(service.poolEnd.address)", "\(service.leaseSeconds) s", service.image,
                "\(service.memoryMiB) MiB", "\(service.vcpus)",
            ])
        }
        return rows
    }

    private var impairments: [[String]] {
        func text(_ value: Double?, _ unit: String) -> String { value.map { "\($0) \(unit)" } ?? "-" }
        return [["LINK", "DELAY", "JITTER", "LOSS", "DUPLICATE", "BANDWIDTH"]]
            + plan.impairments.map {
                [
                    $0.link, text($0.delay, "ms"), text($0.jitter, "ms"), text($0.loss, "%"), text($0.duplicate, "%"),
                    text($0.bandwidth, "Mbit/s"),
                ]
            }
    }
}

extension Substring {
    /// Without blanks at both ends.
    var trimmingSpaces: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
