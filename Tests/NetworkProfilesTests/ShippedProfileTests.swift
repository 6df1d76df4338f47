import Foundation
import LabEvents
import NetworkProfiles
import Testing

@Suite("Profiles that come with vmlab", .tier(.unit))
struct ShippedProfileTests {
    /// A profile and, by hand, what each of its nodes is to have: `INTERFACE ADDRESS… @SEGMENT PORT VLANS`.
    struct Expected: CustomTestStringConvertible, Sendable {
        var name: String
        var nodes: [String: [String]]
        var testDescription: String { name }
    }

    static let nodes = ["server-1", "server-2", "agent-1", "agent-2"]

    /// The same lines for each node, with its number for `#`.
    static func each(_ lines: [String]) -> [String: [String]] {
        Dictionary(
            uniqueKeysWithValues: nodes.enumerated().map { index, node in (node, lines.map { $0.replacing("#", with: "\(index + 1)") }) })
    }

    static let expected = [
        Expected(name: "simple", nodes: each(["eth1 192.168.1.#/24 @lan # untagged 0"])),
        Expected(
            name: "vlans",
            nodes: each([
                "eth1 @lan # tagged 100 200", "eth1.200 192.168.200.#/24 VLAN 200 on eth1", "eth1.100 192.168.100.#/24 VLAN 100 on eth1",
            ])),
        Expected(
            name: "bonding-vlans",
            nodes: Dictionary(
                uniqueKeysWithValues: nodes.enumerated().map { index, node in
                    (
                        node,
                        [
                            "eth1 @lan \(index * 2 + 1) tagged 100 200", "eth2 @lan \(index * 2 + 2) tagged 100 200",
                            "bond0 active-backup eth1 eth2 primary eth1 always 100 200 200",
                            "bond0.200 192.168.200.\(index + 1)/24 VLAN 200 on bond0",
                            "bond0.100 192.168.100.\(index + 1)/24 VLAN 100 on bond0",
                        ]
                    )
                })),
        Expected(
            name: "bonding-two-switches",
            nodes: each([
                "eth1 @lan-a # tagged 100 200", "eth2 @lan-b # tagged 100 200",
                "bond0 active-backup eth1 eth2 primary eth1 always 100 200 200",
                "bond0.200 192.168.200.#/24 VLAN 200 on bond0", "bond0.100 192.168.100.#/24 VLAN 100 on bond0",
            ])),
        Expected(
            name: "lacp-vlans",
            nodes: Dictionary(
                uniqueKeysWithValues: nodes.enumerated().map { index, node in
                    (
                        node,
                        [
                            "eth1 @lan \(index * 2 + 1) tagged 100 200", "eth2 @lan \(index * 2 + 2) tagged 100 200",
                            "bond0 802.3ad eth1 eth2 100 200 200", "bond0.200 192.168.200.\(index + 1)/24 VLAN 200 on bond0",
                            "bond0.100 192.168.100.\(index + 1)/24 VLAN 100 on bond0",
                        ]
                    )
                })),
        Expected(
            name: "dhcp-simple",
            nodes: [
                "dhcp": ["eth1 192.168.1.254/24 @lan 1 untagged 0"], "server-1": ["eth1 dhcp 192.168.1.1/24 @lan 2 untagged 0"],
                "server-2": ["eth1 dhcp 192.168.1.2/24 @lan 3 untagged 0"], "agent-1": ["eth1 dhcp 192.168.1.3/24 @lan 4 untagged 0"],
                "agent-2": ["eth1 dhcp 192.168.1.4/24 @lan 5 untagged 0"],
            ]),
        Expected(
            name: "vlans-broken",
            nodes: Dictionary(
                uniqueKeysWithValues: nodes.enumerated().map { index, node in
                    (
                        node,
                        [
                            "eth1 @lan \(index + 1) tagged 100 101 102 103 200 201 202 203",
                            "eth1.20\(index) 192.168.200.\(index + 1)/24 VLAN 20\(index) on eth1",
                            "eth1.10\(index) 192.168.100.\(index + 1)/24 VLAN 10\(index) on eth1",
                        ]
                    )
                })),
        Expected(name: "dual-stack", nodes: each(["eth1 192.168.1.#/24 fd00:1::#/64 @lan # untagged 0"])),
    ]

    private func line(_ link: LinkPlan) -> String {
        let head = [link.name] + (link.dhcp ? ["dhcp"] : []) + link.addresses.map(\.description)
        switch link.kind {
        case .card(let card):
            let untagged = card.vlans.untagged.map { ["untagged \($0)"] } ?? []
            let tagged = card.vlans.tagged.isEmpty ? [] : ["tagged"] + card.vlans.tagged.map(String.init)
            return (head + ["@\(card.port)"] + untagged + tagged).joined(separator: " ")
        case .bond(let bond):
            let primary = bond.primary.map { ["primary", $0, bond.primaryReselect?.rawValue ?? "-"] } ?? []
            let times = ["\(bond.miimon)", "\(bond.upDelay)", "\(bond.downDelay)"]
            return (head + [bond.mode.rawValue] + bond.legs + primary + times).joined(separator: " ")
        case .vlan(let id, let parent): return (head + ["VLAN \(id) on \(parent)"]).joined(separator: " ")
        }
    }

    @Test("Addresses, VLANs, ports, bonds", arguments: expected)
    func values(_ expected: Expected) throws {
        let plan = try shipped.profile(expected.name).plan(lab: "test")
        #expect(Dictionary(uniqueKeysWithValues: plan.nodes.map { ($0.name, $0.links.map(line)) }) == expected.nodes)
        #expect(plan.nodes.allSatisfy { $0.links.allSatisfy { $0.mtu == 1500 } })
        let isBroken = expected.name == "vlans-broken"
        #expect(plan.pairs.allSatisfy { $0.isConnected != isBroken })
        #expect(!plan.pairs.isEmpty)
        #expect(plan.expectedFailure?.unreachable == (isBroken ? ["cluster", "storage"] : nil))
    }

    @Test("Every profile of the folder is expected here")
    func complete() { #expect(shipped.names == Self.expected.map(\.name).sorted()) }

    @Test("Hardware addresses are the same in every run and place, whichever nodes there are")
    func macs() throws {
        let profile = try shipped.profile("bonding-vlans")
        let plan = try profile.plan(lab: "test")
        let node = try #require(plan.node("agent-1"))
        #expect(node.link("eth1")?.mac == MACAddress(lab: "test", node: "agent-1", interface: "eth1"))
        #expect(node.link("eth1")?.mac.description == "52:54:00:9e:2d:3f")
        #expect(node.link("eth2")?.mac == MACAddress(lab: "test", node: "agent-1", interface: "eth2"))
        #expect(node.link("bond0")?.mac == node.link("eth1")?.mac)
        #expect(node.link("bond0.100")?.mac == node.link("eth1")?.mac)
        let few = try profile.plan(lab: "test", nodes: ["agent-1", "server-1"])
        #expect(few.nodes.map(\.name) == ["agent-1", "server-1"])
        #expect(few.node("agent-1")?.links.map(\.mac) == node.links.map(\.mac))
        #expect(few.node("agent-1")?.links.map(\.addresses) == node.links.map(\.addresses))
    }

    @Test("The trunk's ends follow the nodes' ports")
    func trunk() throws {
        let plan = try shipped.profile("bonding-two-switches").plan(lab: "test")
        let carried = PortVLANs.trunk([100, 200])
        let first = PortReference(segment: "lan-a", number: 5)
        let second = PortReference(segment: "lan-b", number: 5)
        #expect(plan.trunks == [TrunkPlan(name: "uplink", index: 0, first: first, second: second, vlans: carried)])
        #expect(plan.segments.map { $0.ports.map(\.number) } == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]])
        #expect(plan.segments[0].ports[4].peer == .trunk("uplink"))
    }

    @Test("All legs of an 802.3ad bond are said to be at one port, those of other bonds at their own")
    func places() throws {
        func places(_ profile: String) throws -> [String] {
            let node = try Shipped.node("server-2", of: profile)
            return node.cards.map { node.place(of: $0.link) }
        }
        #expect(try places("lacp-vlans") == ["lan 3 (LAG)", "lan 3 (LAG)"])
        #expect(try places("bonding-vlans") == ["lan 3", "lan 4"])
        #expect(try Shipped.node("server-2", of: "lacp-vlans").aggregationPort(of: "bond0") == nil)
    }

    @Test("The DHCP service: size, pool, and one reservation for each card")
    func service() throws {
        let plan = try shipped.profile("dhcp-simple").plan(lab: "test", nodes: ["server-1", "agent-2"])
        #expect(plan.nodes.map(\.name) == ["dhcp", "server-1", "agent-2"])
        let service = try #require(plan.nodes[0].service)
        #expect((service.image, service.memoryMiB, service.vcpus, service.interface) == ("mini", 512, 1, "eth1"))
        #expect(service.poolStart.description == "192.168.1.100/24")
        #expect(service.poolEnd.description == "192.168.1.200/24")
        #expect(service.leaseSeconds == 12 * 3600)
        #expect(service.reservations.map { "\($0.node) \($0.address)" } == ["server-1 192.168.1.1/24", "agent-2 192.168.1.4/24"])
        #expect(service.reservations.map(\.mac) == plan.nodes.dropFirst().compactMap { $0.link("eth1")?.mac })
    }

    @Test("Nodes that a profile does not have")
    func strangers() throws {
        let profile = try shipped.profile("dhcp-simple")
        func problem(_ nodes: [String]) -> String {
            do { return try profile.plan(lab: "test", nodes: nodes).profile } catch { return error.description }
        }
        #expect(problem(["server-3"]).contains("has no node 'server-3'"))
        #expect(problem(["sever-1"]).contains("did you mean 'server-1'?"))
        #expect(problem(["a", "b"]).contains("has no nodes 'a', 'b'\n"))
        #expect(problem(["server-1", "server-1"]).contains("'server-1' is chosen twice"))
        #expect(problem(["dhcp"]).contains("'dhcp' is a service"))
        #expect(problem([]).contains("no node is chosen"))
    }

    @Test("A network that a scenario brings itself")
    func flat() throws {
        let prefix = try #require(IPPrefix("10.0.0.0/24"))
        let plan = try NetworkProfile.flat(nodes: ["a", "b"], network: prefix).plan(lab: "two-nodes")
        #expect(plan.nodes.map(\.name) == ["a", "b"])
        #expect(plan.nodes.compactMap { $0.link("eth1")?.addresses.first?.description } == ["10.0.0.1/24", "10.0.0.2/24"])
        #expect(plan.node("b")?.link("eth1")?.mac == MACAddress(lab: "two-nodes", node: "b", interface: "eth1"))
        #expect(throws: Problem.self) { try NetworkProfile.flat(nodes: [], network: prefix).plan(lab: "x") }
        #expect(throws: Problem.self) { try NetworkProfile.flat(nodes: ["a", "A"], network: prefix).plan(lab: "x") }
    }

    @Test("The README's example is the shipped profile, but for comments")
    func readme() throws {
        let text = try String(contentsOfFile: Shipped.folder + "/../README.md", encoding: .utf8)
        let start = try #require(text.firstRange(of: "```yaml\n"))
        let end = try #require(text[start.upperBound...].firstRange(of: "```"))
        let example = try NetworkProfile.parse(String(text[start.upperBound..<end.lowerBound]), file: "bonding-two-switches.yaml")
        #expect(try example == Shipped.profile("bonding-two-switches"))
    }
}
