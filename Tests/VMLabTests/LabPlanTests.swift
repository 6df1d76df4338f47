import BuildRegistry
import Foundation
import LabEvents
import NetworkProfiles
import QEMU
import Testing

@testable import VMLab

@Suite(.tier(.unit)) struct LabPlanTests {
    private func digest(
        _ topology: Topology? = nil, scenario: String = "pair", host: HostCapacity = PlanFixtures.host(2), seed: UInt64 = 7,
        images: [String: ImageFacts] = PlanFixtures.images
    ) throws -> String {
        try LabPlan.make(scenario: scenario, topology: topology ?? PlanFixtures.pair(), images: images, host: host, seed: seed).digest
    }

    @Test func `the digest of the plan is this`() throws {
        // Another digest makes every checkpoint useless; so it shall not change unnoticed.
        #expect(try PlanFixtures.pairPlan().digest == "7943623ed65be60dc61ecf4bd5ac2bc0d6756e6a3110ba9f0557b11e92cfe8ae")
    }

    @Test func `two hosts that give the same make the same plan`() throws {
        let here = try digest()
        let other = PlanFixtures.host(
            7, quota: 2.5, total: 9000, available: 4000, disk: 5000, shared: 0, reason: "another reason", pace: 4.2)
        #expect(try digest(host: other) == here)
        #expect(try digest(seed: 8) == here)
        var built = PlanFixtures.mini
        (built.isCached, built.digest) = (true, "d")
        #expect(try digest(images: ["mini": built]) == here)
        // The order of a dictionary is another in every process.
        for count in 1...20 {
            var images: [String: ImageFacts] = [:]
            for index in 0..<count { images["x\(index)"] = PlanFixtures.wic }
            images["mini"] = PlanFixtures.mini
            #expect(try digest(images: images) == here)
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout Topology) -> Void

        init(_ name: String, _ change: @escaping @Sendable (inout Topology) -> Void) { (testDescription, self.change) = (name, change) }
    }

    @Test(arguments: [
        Change("memory") { $0.nodes[0].memoryMiB = 129 },
        Change("boot mode") { $0.nodes[0].bootMode = .bios },
        Change("an interface's name") { $0.network?.nodes[0].links[0].name = "enp0s3" },
        Change("an address") { $0.network?.nodes[0].links[0].addresses = [] },
        Change("what a port carries") { $0.network?.segments[0].ports[0].vlans = .access(7) },
        Change("a segment's name") { $0.network?.segments[1].name = "store" },
        Change("order") { $0.nodes.swapAt(0, 1) },
        Change("another node") { $0.nodes.append(.init(name: "c", image: "mini")) },
    ]) func `what decides the guests is in the digest`(_ change: Change) throws {
        var topology = try PlanFixtures.pair()
        change.change(&topology)
        #expect(try digest(topology) != digest())
    }

    @Test func `accelerator, scenario, image and granted processors are in the digest`() throws {
        let here = try digest()
        #expect(try digest(host: PlanFixtures.host(2, .kvm)) != here)
        #expect(try digest(scenario: "other") != here)
        var image = PlanFixtures.mini
        image.key = String(repeating: "f", count: 64)
        #expect(try digest(images: ["mini": image]) != here)
        var wishes = try PlanFixtures.pair()
        wishes.nodes[0].vcpus = 2
        #expect(try digest(wishes, host: PlanFixtures.host(2)) == here)
        #expect(try digest(wishes, host: PlanFixtures.host(3)) != here)
    }

    @Test func `ports are numbered from 1 in the order of nodes and interfaces`() throws {
        let topology = try PlanFixtures.pair { profile in
            let cards = ["eth1", "eth2"].map { NetworkProfile.NIC(name: $0, segment: "lan") }
            profile.overrides.append(.init(node: "a", interfaces: .init(nics: cards)))
        }
        let plan = try LabPlan.make(
            scenario: "pair", topology: topology, images: PlanFixtures.images, host: PlanFixtures.host(2), seed: 7)
        let ports = plan.nodes.flatMap { node in
            node.interfaces.map { "\(node.name) \($0.name) \($0.port.map { "\($0.segment):\($0.segmentIndex):\($0.number)" } ?? "user")" }
        }
        #expect(
            ports == ["a eth0 user", "a eth1 lan:0:1", "a eth2 lan:0:2", "b eth0 user", "b eth1 lan:0:3", "b eth2 storage:1:1"])
        #expect(plan.segments.map { $0.ports.map(\.number) } == [[1, 2, 3], [1]])
        let arguments = plan.nodes[1].arguments
        #expect(arguments.contains("user,id=net0,restrict=on"))
        #expect(arguments.contains("vde,id=net1,sock=$SOCKETS/s0,port=3"))
        #expect(arguments.contains("vde,id=net2,sock=$SOCKETS/s1,port=1"))
        #expect(plan.segments[1].managementSocket(in: .placeholders) == "$SOCKETS/s1.mgmt")
    }

    @Test func `hardware addresses differ although their digests collide`() throws {
        // Found by search: the addresses of these two are the same three bytes.
        let (lab, first, second) = ("collision", "n301", "n1006")
        #expect(MACAddress(lab: lab, node: first, interface: "eth1") == MACAddress(lab: lab, node: second, interface: "eth1"))
        let network = try NetworkProfile.flat(nodes: [first, second], network: #require(IPPrefix("10.0.0.0/8"))).plan(lab: lab)
        let topology = Topology(network) { .init(name: $0.name, image: "mini") }
        let plan = try LabPlan.make(
            scenario: lab, topology: topology, images: PlanFixtures.images, host: PlanFixtures.host(2), seed: 1)
        #expect(Set(plan.nodes.flatMap { $0.interfaces.map(\.mac) }).count == 4)
    }

    @Test func `the largest lab with the longest names has sockets that fit`() throws {
        var profile = PlanFixtures.pairNetwork
        let names = (0..<64).map { String("\($0)-\(String(repeating: "n", count: 32))".prefix(32)) }
        (profile.overrides, profile.networks) = ([], [])
        profile.segments = (1...15).map { "s\($0)" }
        profile.interfaces.nics = (1...15).map { .init(name: "eth\($0)", segment: "s\($0)") }
        profile.roles = [.init(name: "node", hosts: 1...64, names: names)]
        let topology = Topology(try profile.plan(lab: "large")) { .init(name: $0.name, image: "mini", memoryMiB: 128) }
        let plan = try LabPlan.make(
            scenario: "large", topology: topology, images: PlanFixtures.images, host: PlanFixtures.host(2), seed: 1)
        let folders = LabFolders(
            run: "/state", sockets: "/tmp/vmlab-1000/20261121-043440-abcdef", ram: "/dev/shm/vmlab", images: "/cache/images",
            firmware: "/fw")
        for node in plan.nodes {
            try node.configuration(in: folders, image: node.image.plannedImage(in: folders), generation: UUID()).validate()
        }
        #expect(plan.segments.flatMap(\.ports).count == 960)
        #expect(Set(plan.nodes.flatMap { $0.interfaces.map(\.mac) }).count == 1024)
    }

    @Test func `a node's files lie in its own folders`() throws {
        let files = LabFolders.placeholders.files(of: try PlanFixtures.pairPlan().nodes[1])
        #expect(files.folder == "$RUN/nodes/b")
        #expect(files.overlay == "$RUN/nodes/b/disk0.qcow2")
        #expect(files.uefiVariables == "$RUN/nodes/b/uefi-variables.fd")
        #expect(files.serialPrefix == "$SOCKETS/n1/serial")
        #expect(files.monitorSocket == "$SOCKETS/n1/qmp")
        #expect(files.ram == "$RAM/b")
    }

    @Test func `a foreign disk boots from its overlay, and a mode that it lacks is refused`() throws {
        let plan = try LabPlan.make(
            scenario: "foreign", topology: PlanFixtures.nodes(1, image: "/srv/product.wic"), images: PlanFixtures.images,
            host: PlanFixtures.host(2), seed: 1)
        #expect(plan.nodes[0].bootMode == .bios)
        #expect(plan.nodes[0].arguments.contains { $0.contains("$RUN/nodes/server-1/disk0.qcow2") })
        #expect(plan.nodes[0].arguments.contains { $0.contains("bootindex=0") })
        #expect(!plan.nodes[0].arguments.contains("-kernel"))
        #expect(plan.images == [PlanFixtures.wic])
        var topology = PlanFixtures.nodes(1, image: "/srv/product.wic")
        topology.nodes[0].bootMode = .direct
        #expect(throws: Problem.self) {
            try LabPlan.make(scenario: "f", topology: topology, images: PlanFixtures.images, host: PlanFixtures.host(2), seed: 1)
        }
    }
}
