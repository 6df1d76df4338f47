import NetworkProfiles
import VMLab

/// Some of a lab's nodes, named before there is a lab.
public struct NodeSelection: Sendable {
    let contains: @Sendable (Node, Lab) -> Bool
    /// What they are called in words, such as `agent nodes`.
    let words: String

    /// Every node.
    public static let all = NodeSelection("nodes") { _, _ in true }
    /// All but those that serve the others.
    public static let cluster = NodeSelection("nodes of the cluster") { node, lab in lab.plan.network?.node(node.name)?.service == nil }

    /// The nodes of a role of the profile, such as `agent`.
    public static func role(_ name: String) -> NodeSelection {
        NodeSelection("\(name) nodes") { node, lab in lab.plan.network?.node(node.name)?.role == name }
    }

    /// The nodes of these names.
    public static func named(_ names: String...) -> NodeSelection {
        NodeSelection("nodes called \(names.joined(separator: ", "))") { node, _ in names.contains(node.name) }
    }

    private init(_ words: String, _ contains: @escaping @Sendable (Node, Lab) -> Bool) {
        (self.words, self.contains) = (words, contains)
    }

    func nodes(of lab: Lab) -> [Node] { lab.nodes.filter { contains($0, lab) } }
}
