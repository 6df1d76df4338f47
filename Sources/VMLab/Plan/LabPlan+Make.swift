import Crypto
import FoundationEssentials
public import LabEvents
import NetworkProfiles
import QEMU

extension LabPlan {
    /// Plans a lab. Pure: nothing is read or started, and the same arguments give the same plan.
    ///
    /// - Parameters:
    ///   - scenario: the scenario's name.
    ///   - topology: the nodes and their network.
    ///   - images: the facts of each image, by the word that the topology has for it; see ``ImageFacts/resolve(_:catalog:store:)``.
    ///   - host: what there is; see ``HostCapacity/measure(root:stateFolder:accelerator:pace:)``.
    ///   - seed: where random choices of the run start.
    ///   - options: what the user said.
    /// - Throws: a ``Problem``: `invalidInput` for what is not acceptable, `env: no-memory` or `env: disk-full` with the numbers.
    public static func make(
        scenario: String, topology: Topology, images: [String: ImageFacts], host: HostCapacity, seed: UInt64,
        options: PlanOptions = PlanOptions()
    ) throws(Problem) -> LabPlan {
        let resources = try ResourcePlan.make(topology, images: images, host: host, options: options)
        var addresses = AddressBook(lab: scenario)
        for link in topology.network?.nodes.flatMap(\.links) ?? [] { addresses.keep(link.mac) }
        var nodes: [NodePlan] = []
        for (index, request) in topology.nodes.enumerated() {
            let image = try ResourcePlan.facts(request, images)
            let share = resources.nodes[index]
            var interfaces = [InterfacePlan(name: "eth0", mac: addresses.next(node: request.name, interface: "eth0"))]
            let network = topology.network?.node(request.name)
            let aggregated = Set((network?.aggregations ?? []).flatMap(\.legs))
            for (link, card) in network?.cards ?? [] {
                let segment = topology.network?.segments.first { $0.name == card.port.segment }
                interfaces.append(
                    InterfacePlan(
                        name: link.name, mac: link.mac,
                        port: .init(segment: card.port.segment, segmentIndex: segment?.index ?? 0, number: card.port.number),
                        joints: (card.cable == nil ? [] : [.cable]) + (aggregated.contains(link.name) ? [.aggregation] : [])))
            }
            var node = NodePlan(
                name: request.name, index: index, uuid: QEMUConfiguration.uuid(lab: scenario, node: request.name), image: image,
                bootMode: try image.bootMode(requested: request.bootMode), accelerator: host.accelerator, vcpus: share.vcpus,
                memoryMiB: share.memoryMiB, interfaces: interfaces, arguments: [])
            node.arguments = node.plannedConfiguration.arguments
            nodes.append(node)
        }
        return LabPlan(
            scenario: scenario, seed: seed, accelerator: host.accelerator, nodes: nodes, network: topology.network, k3s: topology.k3s,
            resources: resources, host: host, digest: try digest(nodes: nodes, network: topology.network, k3s: topology.k3s))
    }

    /// Everything that decides the guests. A checkpoint of a lab fits another lab only where all of this is equal.
    private struct Decisive: Encodable {
        struct Node: Encodable {
            var name: String
            var image: String
            var interfaces: [InterfacePlan]
            /// Accelerator, processors, memory, boot mode, addresses and ports are all in them.
            var arguments: [String]
        }

        var nodes: [Node]
        var network: NetworkPlan?
        var k3s: String?
    }

    private static func digest(nodes: [NodePlan], network: NetworkPlan?, k3s: PlannedFile?) throws(Problem) -> String {
        let decisive = Decisive(
            nodes: nodes.map { .init(name: $0.name, image: $0.image.key, interfaces: $0.interfaces, arguments: $0.arguments) },
            network: network, k3s: k3s?.sha256)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return SHA256.hash(data: try encoder.encode(decisive)).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
        } catch {
            throw Problem(.failure, "the plan cannot be written as JSON", why: "\(error)")
        }
    }
}
