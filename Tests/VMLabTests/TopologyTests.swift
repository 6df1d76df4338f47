import LabEvents
import NetworkProfiles
import Testing

@testable import VMLab

@Suite(.tier(.unit)) struct TopologyTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        var what: String
        var change: @Sendable (inout Topology) -> Void
        var testDescription: String { what }

        init(_ what: String, _ change: @escaping @Sendable (inout Topology) -> Void) { (self.what, self.change) = (what, change) }
    }

    @Test(arguments: [
        Refusal("the topology has no node") { $0.nodes = [] },
        Refusal("the topology has too many nodes") { $0 = PlanFixtures.nodes(65) },
        Refusal("node name '' is not acceptable") { $0.nodes[0].name = "" },
        Refusal("node name '-a' is not acceptable") { $0.nodes[0].name = "-a" },
        Refusal("node name 'a-' is not acceptable") { $0.nodes[0].name = "a-" },
        Refusal("node name 'a/b' is not acceptable") { $0.nodes[0].name = "a/b" },
        Refusal("node name 'a.b' is not acceptable") { $0.nodes[0].name = "a.b" },
        Refusal("node name 'ä' is not acceptable") { $0.nodes[0].name = "ä" },
        Refusal("node name '\(String(repeating: "a", count: 33))' is not acceptable") {
            $0.nodes[0].name = String(repeating: "a", count: 33)
        },
        Refusal("two nodes are called 'A'") { $0.nodes[1].name = "A" },
        Refusal("127 MiB of memory is not acceptable") { $0.nodes[0].memoryMiB = 127 },
        Refusal("\(Int.max) MiB of memory is not acceptable") { $0.nodes[0].memoryMiB = .max },
        Refusal("0 vCPUs are not acceptable") { $0.nodes[0].vcpus = 0 },
        Refusal("256 vCPUs are not acceptable") { $0.nodes[0].vcpus = 256 },
        Refusal("the network has a node 'b' that the topology lacks") { $0.nodes.removeLast() },
        Refusal("too many interfaces") { topology in
            guard let card = topology.network?.nodes[0].links.first else { return }
            topology.network?.nodes[0].links = Array(repeating: card, count: 16)
        },
    ]) func `what cannot be is refused by name`(_ refusal: Refusal) throws {
        var topology = try PlanFixtures.pair()
        refusal.change(&topology)
        let problem = try #require(#expect(throws: Problem.self) { try topology.validate() })
        #expect(problem.kind == .invalidInput)
        #expect(problem.what == refusal.what)
        // A plan refuses it too, before it looks at anything else.
        #expect(throws: problem) { try ResourcePlan.make(topology, images: PlanFixtures.images, host: PlanFixtures.host(2)) }
    }

    @Test(
        arguments: [
            { ($0.nodes[0].name, $0.network) = (String(repeating: "a", count: 32), nil) },
            { ($0.nodes[0].name, $0.network) = ("1", nil) },
            { $0 = PlanFixtures.nodes(64) },
            { $0.nodes[0].memoryMiB = 128 },
            { $0.network = nil },
            { $0.network?.nodes.removeLast() },
        ] as [@Sendable (inout Topology) -> Void]) func `what can be is accepted`(_ change: @Sendable (inout Topology) -> Void) throws
    {
        var topology = try PlanFixtures.pair()
        change(&topology)
        try topology.validate()
    }
}
