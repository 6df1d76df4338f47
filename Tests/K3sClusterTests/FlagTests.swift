import LabEvents
import NetworkProfiles
import Testing
import VMLab

@testable import K3sCluster

@Suite("Options from the profile", .tier(.unit))
struct FlagTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var profile: String
        var node: String
        var role: K3sFlags.Role
        var words: [String]
        var testDescription: String { "\(profile) \(node)" }
    }

    static let cases: [Case] = [
        Case(
            profile: "simple", node: "server-1", role: .primary,
            words: [
                "--cluster-init", "--node-name=server-1", "--node-ip=192.168.1.1", "--flannel-iface=eth1",
                "--advertise-address=192.168.1.1",
                "--tls-san=192.168.1.1", "--write-kubeconfig-mode=0644", "--disable=traefik", "--cluster-cidr=10.42.0.0/16",
                "--service-cidr=10.43.0.0/16",
            ]),
        Case(
            profile: "bonding-vlans", node: "server-2", role: .server(joining: "https://192.168.200.1:6443"),
            words: [
                "--server=https://192.168.200.1:6443", "--node-name=server-2", "--node-ip=192.168.200.2", "--flannel-iface=bond0.200",
                "--advertise-address=192.168.200.2", "--tls-san=192.168.200.2", "--write-kubeconfig-mode=0644", "--disable=traefik",
                "--cluster-cidr=10.42.0.0/16", "--service-cidr=10.43.0.0/16",
            ]),
        Case(
            profile: "vlans", node: "agent-1", role: .agent(joining: "https://192.168.200.1:6443"),
            words: [
                "--server=https://192.168.200.1:6443", "--node-name=agent-1", "--node-ip=192.168.200.3", "--flannel-iface=eth1.200",
            ]),
        Case(
            profile: "dual-stack", node: "server-1", role: .primary,
            words: [
                "--cluster-init", "--node-name=server-1", "--node-ip=192.168.1.1,fd00:1::1", "--flannel-iface=eth1",
                "--advertise-address=192.168.1.1", "--tls-san=192.168.1.1", "--tls-san=fd00:1::1", "--write-kubeconfig-mode=0644",
                "--disable=traefik", "--cluster-cidr=10.42.0.0/16,fd00:42::/56", "--service-cidr=10.43.0.0/16,fd00:43::/112",
            ]),
    ]

    @Test("A node's options", arguments: cases) func nodeOptions(_ example: Case) throws {
        let address = try Fixtures.address(example.profile, example.node)
        #expect(K3sFlags(example.role, at: address, disabled: ["traefik"]).words == example.words)
    }

    @Test("k3s knows every option that is used") func k3sKnowsEvery() throws {
        struct Names: Decodable {
            struct Used: Decodable {
                var server: [String]
                var agent: [String]
            }
            struct Known: Decodable {
                var texts: [String]
                var lists: [String]
                var switches: [String]
                /// Without their short forms.
                var all: [String] { (texts + lists + switches).map { String($0.prefix { $0 != "," }) } }
            }
            var used: Used
            var server: Known
            var agent: Known
        }
        let fixture: Names = try Fixtures.yaml("server-flags.yaml")
        let names = fixture.used
        #expect(names.server.allSatisfy(fixture.server.all.contains) && names.agent.allSatisfy(fixture.agent.all.contains))
        for example in Self.cases {
            let flags = K3sFlags(
                example.role, at: try Fixtures.address(example.profile, example.node), times: .scaled(by: 3), disabled: ["x"])
            for word in flags.words {
                let name = String(word.dropFirst(2).prefix { $0 != "=" })
                #expect((example.role.isServer ? names.server : names.agent).contains(name), "\(word)")
            }
        }
    }

    @Test("What a gate waits for, and how long") func gateWaitsFor() throws {
        let kinds = try ["simple", "vlans", "bonding-vlans", "dhcp-simple"].map { try Fixtures.address($0, "server-1").kind }
        #expect(kinds == [.plain, .vlan, .bond, .dhcp])
        #expect(kinds.map(\.gateSeconds) == [60, 60, 120, 60])
        let gate = K3sGate(address: try Fixtures.address("bonding-vlans", "server-2"), limit: .seconds(180), unit: "k3s-server.service")
        #expect(gate.script.contains("/sys/class/net/bond0.200/carrier"))
        #expect(gate.script.contains(#"*" 192.168.200.2/"*"#))
        #expect(gate.script.contains("within 180 s"))
    }

    @Test("The address of the other servers comes from the plan") func addressOtherServers() throws {
        let address = try Fixtures.address("bonding-vlans", "server-1")
        #expect(address.url == "https://192.168.200.1:6443")
        let plan = try #require(try Fixtures.plan("bonding-vlans").node("server-1"))
        #expect(address.mac == "\(try #require(plan.link("eth1")).mac)")
    }

    static let paces: [(pace: Double, times: EtcdTimes)] = [
        (1, .usual), (0.5, .usual), (1.01, EtcdTimes(heartbeat: 600, election: 6000)), (3, EtcdTimes(heartbeat: 1500, election: 15000)),
        (100, EtcdTimes(heartbeat: 5000, election: 50000)),
    ]

    @Test("Etcd is as patient as the host is slow", arguments: paces) func etcdPatientHost(_ pace: Double, _ times: EtcdTimes) {
        #expect(EtcdTimes.scaled(by: pace) == times)
        #expect(times.flags.isEmpty == (times == .usual))
        // etcd refuses less than five heartbeats (server/embed/config.go:Validate of etcd-io/etcd), and more than 50 s.
        #expect(times.election >= 5 * times.heartbeat && times.election <= 50000)
    }

    @Test("A profile gets the servers that it lacks") func profileGetsServers() throws {
        let plan = try Fixtures.plan("bonding-vlans", ClusterSize(servers: 3, agents: 1))
        #expect(plan.nodes.map(\.name) == ["server-1", "server-2", "server-3", "agent-1"])
        let addresses = try plan.nodes.map { try ClusterAddress($0).first }
        #expect(addresses == (1...4).map { "192.168.200.\($0)" })
        // Two and two are there as the profile has them.
        #expect(try Fixtures.address("simple", "agent-1").first == "192.168.1.3")
        #expect(try Fixtures.address("simple", "agent-1", ClusterSize(servers: 1, agents: 1)).first == "192.168.1.3")
        #expect(try Fixtures.plan("dhcp-simple", ClusterSize(servers: 5)).nodes.filter { $0.service == nil }.count == 5)
    }

    @Test("Sizes in words") func sizesWords() {
        #expect(ClusterSize("2+1") == ClusterSize(servers: 2, agents: 1))
        #expect(ClusterSize("3") == ClusterSize(servers: 3))
        for text in ["", "0", "0+1", "2+", "+1", "2+1+1", "a", "-1", "2 + 1"] { #expect(ClusterSize(text) == nil, "\(text)") }
        #expect("\(ClusterSize(servers: 3, agents: 1)) \(ClusterSize(servers: 2))" == "3+1 2")
    }
}
