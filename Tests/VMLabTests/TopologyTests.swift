import LabEvents
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
        Refusal("segment name '../x' is not acceptable") { $0.segments[0].name = "../x" },
        Refusal("two nodes are called 'A'") { $0.nodes[1].name = "A" },
        Refusal("two segments are called 'lan'") { $0.segments[1].name = "lan" },
        Refusal("two interfaces are called 'x'") { ($0.nodes[1].interfaces[0].name, $0.nodes[1].interfaces[1].name) = ("x", "x") },
        Refusal("there is no segment called 'wan'") { $0.nodes[0].interfaces[0].segment = "wan" },
        Refusal("interface eth0 is not at its place") { $0.nodes[0].interfaces[0].name = "eth0" },
        Refusal("interface eth3 is not at its place") { $0.nodes[1].interfaces[1].name = "eth3" },
        Refusal("interface name 'a b' is not acceptable") { $0.nodes[0].interfaces[0].name = "a b" },
        Refusal("interface name 'abcdefghijklmnop' is not acceptable") { $0.nodes[0].interfaces[0].name = "abcdefghijklmnop" },
        Refusal("'192.168.1.1' is not an address with its prefix length") { $0.nodes[0].interfaces[0].address = "192.168.1.1" },
        Refusal("'192.168.1.1/33' is not an address with its prefix length") { $0.nodes[0].interfaces[0].address = "192.168.1.1/33" },
        Refusal("'192.168.1.256/24' is not an address with its prefix length") { $0.nodes[0].interfaces[0].address = "192.168.1.256/24" },
        Refusal("'fd00::1/129' is not an address with its prefix length") { $0.nodes[0].interfaces[0].address = "fd00::1/129" },
        Refusal("'192.168.1.1/+8' is not an address with its prefix length") { $0.nodes[0].interfaces[0].address = "192.168.1.1/+8" },
        Refusal("segment lan has the address 192.168.1.1/16 twice") { $0.nodes[1].interfaces[0].address = "192.168.1.1/16" },
        Refusal("127 MiB of memory is not acceptable") { $0.nodes[0].memoryMiB = 127 },
        Refusal("\(Int.max) MiB of memory is not acceptable") { $0.nodes[0].memoryMiB = .max },
        Refusal("0 vCPUs are not acceptable") { $0.nodes[0].vcpus = 0 },
        Refusal("256 vCPUs are not acceptable") { $0.nodes[0].vcpus = 256 },
        Refusal("too many interfaces") { topology in
            topology.nodes[0].interfaces = (1...16).map { .init(name: "eth\($0)", segment: "lan") }
        },
    ]) func `what cannot be is refused by name`(_ refusal: Refusal) throws {
        var topology = PlanFixtures.pair
        refusal.change(&topology)
        let problem = try #require(#expect(throws: Problem.self) { try topology.validate() })
        #expect(problem.kind == .invalidInput)
        #expect(problem.what == refusal.what)
        // A plan refuses it too, before it looks at anything else.
        #expect(throws: problem) { try ResourcePlan.make(topology, images: PlanFixtures.images, host: PlanFixtures.host(2)) }
    }

    @Test(
        arguments: [
            { $0.nodes[0].name = String(repeating: "a", count: 32) },
            { $0.nodes[0].name = "1" },
            { $0 = PlanFixtures.nodes(64) },
            // The same address on two segments is the user's business.
            { $0.nodes[1].interfaces[1].address = "192.168.1.1/24" },
            { $0.nodes[0].interfaces[0].address = "fd00::1/64" },
            { $0.nodes[0].interfaces[0].address = nil },
            { $0.nodes[0].interfaces[0].name = "enp0s3" },
            { $0.nodes[0].memoryMiB = 128 },
            { topology in topology.nodes[0].interfaces = (1...15).map { .init(name: "eth\($0)", segment: "lan") } },
            { topology in
                topology.segments = []
                for index in topology.nodes.indices { topology.nodes[index].interfaces = [] }
            },
        ] as [@Sendable (inout Topology) -> Void]) func `what can be is accepted`(_ change: @Sendable (inout Topology) -> Void) throws
    {
        var topology = PlanFixtures.pair
        change(&topology)
        try topology.validate()
    }

    @Test func `an error says where and what to do`() {
        var topology = PlanFixtures.pair
        topology.nodes[1].interfaces[1].segment = "wan"
        let problem = #expect(throws: Problem.self) { try topology.validate() }
        #expect(problem?.location == "node b, interface eth2")
        #expect(problem?.why == "it has lan, storage")
    }
}
