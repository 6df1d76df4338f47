import LabEvents
import NetworkProfiles

/// A profile in one line.
struct ProfileSummary: Encodable, CustomStringConvertible {
    var name: String
    /// What the profile says about itself.
    var text: String
    /// Nodes of the cluster.
    var nodes: Int
    /// Nodes that serve the others.
    var services: Int
    var segments: Int
    var trunks: Int
    /// Every VLAN that a port carries, ascending.
    var vlans: [Int]
    /// The networks that are meant not to work.
    var unreachable: [String]

    init(_ profile: NetworkProfile) throws(Problem) {
        let plan = try profile.plan(lab: profile.name)
        name = profile.name
        text = profile.summary
        services = plan.nodes.count { $0.service != nil }
        nodes = plan.nodes.count - services
        segments = plan.segments.count
        trunks = plan.trunks.count
        vlans = Set(plan.segments.flatMap { $0.ports.flatMap(\.vlans.vlans) }).filter { $0 > 0 }.sorted()
        unreachable = profile.expectedFailure?.unreachable ?? []
    }

    /// `vlans: ok, 4 nodes, 1 switch, VLANs 100 200`.
    var description: String {
        func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
        var parts = [count(nodes, "node", "nodes")]
        if services > 0 { parts.append(count(services, "service", "services")) }
        parts.append(count(segments, "switch", "switches"))
        if trunks > 0 { parts.append(count(trunks, "trunk", "trunks")) }
        if !vlans.isEmpty { parts.append("\(vlans.count == 1 ? "VLAN" : "VLANs") \(vlans.map(String.init).joined(separator: " "))") }
        if !unreachable.isEmpty { parts.append("meant to fail: \(unreachable.joined(separator: " "))") }
        return "\(name): ok, \(parts.joined(separator: ", "))"
    }
}
