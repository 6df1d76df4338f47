import LabEvents
import NetworkProfiles
import Testing

/// What guests say about their networks.
@Suite("A guest's network from inside", .tier(.unit))
struct ObservationTests {
    /// As server-1 of bonding-vlans prints it; the hardware addresses are put in.
    private static func printed(_ node: NodeNetwork) -> String {
        let macs = node.cards.map(\.link.mac.description)
        return """
            link bond0
            address \(macs[0])
            mtu 1500
            carrier 1
            bond mode active-backup 1
            bond primary eth1
            bond active_slave eth1
            bond miimon 100
            bond updelay 200
            bond downdelay 200
            bond primary_reselect always 0
            bond slaves eth1 eth2
            bond mii_status up
            bond lacp_rate slow 0
            bond ad_partner_mac
            link bond0.100
            address \(macs[0])
            mtu 1500
            carrier 1
            vlan 100
            parent bond0
            link bond0.200
            address \(macs[0])
            mtu 1500
            carrier 1
            vlan 200
            parent bond0
            link eth0
            address 52:54:00:00:00:01
            mtu 1500
            link eth1
            address \(macs[0])
            permanent \(macs[0])
            mtu 1500
            carrier 1
            master bond0
            link eth2
            address \(macs[0])
            permanent \(macs[1])
            mtu 1500
            carrier 1
            master bond0
            addresses
            1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
            5: bond0    inet6 fe80::5054:ff:fe95:eeeb/64 scope link tentative \\       valid_lft forever preferred_lft forever
            6: bond0.200@bond0    inet 192.168.200.1/24 scope global bond0.200\\       valid_lft forever preferred_lft forever
            7: bond0.100    inet 192.168.100.1/24 scope global bond0.100\\       valid_lft forever preferred_lft forever
            routes
            192.168.100.0/24 dev bond0.100 scope link  src 192.168.100.1
            192.168.200.0/24 dev bond0.200 proto kernel scope link src 192.168.200.1

            """
    }

    @Test("What is as planned has no difference")
    func same() throws {
        let node = try Shipped.node("server-1", of: "bonding-vlans")
        #expect(node.differences(from: ObservedNetwork(Self.printed(node))) == [])
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var from: String
        var to: String
        var difference: String
        var testDescription: String { difference }
    }

    @Test(
        "Each fault is said in words that begin with the interface",
        arguments: [
            Change(
                from: "bond mode active-backup 1", to: "bond mode 802.3ad 4", difference: "bond0: mode is 802.3ad instead of active-backup"),
            Change(from: "bond active_slave eth1", to: "bond active_slave eth2", difference: "bond0: active_slave is eth2 instead of eth1"),
            Change(from: "bond primary eth1", to: "bond primary", difference: "bond0: primary is empty instead of eth1"),
            Change(from: "slaves eth1 eth2", to: "slaves eth1", difference: "bond0: its legs are eth1 instead of eth1 eth2"),
            Change(from: "vlan 100", to: "vlan 101", difference: "bond0.100: the VLAN is 101 instead of 100"),
            Change(from: "inet 192.168.100.1/24", to: "inet 192.168.100.9/24", difference: "bond0.100: 192.168.100.1/24 is missing"),
            Change(from: "inet 192.168.100.1/24", to: "inet 192.168.100.9/24", difference: "bond0.100: 192.168.100.9/24 is there too"),
            Change(from: "dev bond0.100 scope", to: "dev eth0 scope", difference: "bond0.100: no route to 192.168.100.0/24"),
            Change(from: "link eth2\n", to: "link enp0s4\n", difference: "eth2: there is no such interface"),
            Change(
                from: "vlan 200\nparent bond0", to: "vlan 200\nparent eth1",
                difference: "bond0.200: the interface below is eth1 instead of bond0"),
        ])
    func fault(_ change: Change) throws {
        let node = try Shipped.node("server-1", of: "bonding-vlans")
        let printed = Self.printed(node)
        #expect(printed.contains(change.from))
        #expect(node.differences(from: ObservedNetwork(printed.replacing(change.from, with: change.to))).contains(change.difference))
    }

    /// As server-1 of lacp-vlans prints it when its bond is at work.
    private static func lacp(_ node: NodeNetwork) -> String {
        let leg = "master bond0\nleg ad_aggregator_id 1\nleg ad_actor_oper_port_state 63\nleg ad_partner_oper_port_state 63"
        return printed(node).replacing("mode active-backup 1", with: "mode 802.3ad 4").replacing(
            "bond primary eth1\nbond active_slave eth1\n", with: ""
        )
        .replacing("lacp_rate slow 0", with: "lacp_rate fast 1").replacing("primary_reselect always 0\n", with: "primary_reselect\n")
        .replacing("bond ad_partner_mac", with: "bond ad_partner_mac 52:54:00:12:34:56\nbond ad_aggregator 1").replacing(
            "master bond0", with: leg)
    }

    struct LACPChange: Sendable, CustomTestStringConvertible {
        var title: String
        var from = ""
        var to = ""
        var differences: [String]
        var testDescription: String { title }
    }

    @Test(
        "What LACP has not come to is said by leg and end, and is no reason to make the bond anew",
        arguments: [
            LACPChange(title: "at work", differences: []),
            LACPChange(
                title: "slow", from: "state 63", to: "state 61", differences: []),
            LACPChange(
                title: "no partner", from: "partner_mac 52:54:00:12:34:56", to: "partner_mac 00:00:00:00:00:00",
                differences: ["bond0: LACP has no partner"]),
            LACPChange(
                title: "no partner said", from: "partner_mac 52:54:00:12:34:56", to: "partner_mac",
                differences: ["bond0: LACP has no partner"]),
            LACPChange(
                title: "another aggregator", from: "link eth2",
                to: "link eth2\ncarrier 1\nmaster bond0\nleg ad_aggregator_id 2\nleg ad_actor_oper_port_state N/A\nlink x",
                differences: ["eth2: LACP has it in aggregator 2, and uses aggregator 1"]),
            LACPChange(
                title: "this end", from: "actor_oper_port_state 63", to: "actor_oper_port_state 15",
                differences: ["eth1", "eth2"].map { "\($0): LACP: this end is not collecting and distributing (port state 15)" }),
            LACPChange(
                title: "the partner", from: "partner_oper_port_state 63", to: "partner_oper_port_state 31",
                differences: ["eth1", "eth2"].map { "\($0): LACP: the partner is not distributing (port state 31)" }),
            LACPChange(
                title: "legs without carrier", from: "carrier 1\nmaster bond0\nleg ad_aggregator_id 1\nleg ad_actor_oper_port_state 63",
                to: "carrier 0\nmaster bond0\nleg ad_aggregator_id 3\nleg ad_actor_oper_port_state 7", differences: []),
            LACPChange(title: "a kernel that does not tell", from: "leg ad_", to: "other ad_", differences: []),
            LACPChange(title: "another mode", from: "mode 802.3ad 4", to: "mode balance-rr 0", differences: []),
        ])
    func lacp(_ change: LACPChange) throws {
        let node = try Shipped.node("server-1", of: "lacp-vlans")
        let printed = Self.lacp(node)
        #expect(node.differences(from: ObservedNetwork(printed)) == [])
        #expect(change.from.isEmpty || printed.contains(change.from))
        let changed = change.from.isEmpty ? printed : printed.replacing(change.from, with: change.to)
        #expect(node.lacpDifferences(from: ObservedNetwork(changed)) == change.differences)
        let other = try Shipped.node("server-1", of: "bonding-vlans")
        #expect(other.lacpDifferences(from: ObservedNetwork(Self.printed(other))) == [])
    }

    @Test("An interface that is down, one without carrier, an address that may be somebody else's")
    func carrier() throws {
        let node = try Shipped.node("server-1", of: "dual-stack")
        let mac = try #require(node.links.first).mac
        func differences(_ carrier: String, _ flags: String) -> [String] {
            node.differences(
                from: ObservedNetwork(
                    """
                    link eth1
                    address \(mac)
                    mtu 1500
                    \(carrier)
                    addresses
                    3: eth1    inet 192.168.1.1/24 scope global eth1
                    3: eth1    inet6 fd00:1::1/64 scope global \(flags)
                    routes
                    192.168.1.0/24 dev eth1 scope link
                    fd00:1::/64 dev eth1 metric 256
                    """))
        }
        #expect(differences("carrier 1", "") == [])
        #expect(differences("carrier 0", "") == ["eth1: there is no carrier"])
        #expect(differences("", "") == ["eth1: it is down"])
        #expect(differences("carrier 1", "tentative dadfailed") == ["eth1: fd00:1::1/64 is not sure to be its own yet"])
    }

    @Test("dnsmasq gets a reservation for each node, and every lease is compared")
    func leases() throws {
        let plan = try Shipped.plan("dhcp-simple")
        let service = try #require(plan.nodes.first { $0.service != nil }?.service)
        let configuration = service.dnsmasqConfiguration
        #expect(configuration.contains("\ndhcp-range=192.168.1.100,192.168.1.200,255.255.255.0,43200\n"))
        let mac = try #require(plan.node("server-2")?.links.first?.mac)
        #expect(configuration.contains("\ndhcp-host=\(mac),192.168.1.2,server-2,43200\n"))
        #expect(service.reservations.map(\.node) == ["server-1", "server-2", "agent-1", "agent-2"])

        let good = "1700000000 \(mac) 192.168.1.2 server-2 01:\(mac)\n"
        #expect(service.leaseProblems(in: good, nodes: ["server-2"]).map(\.text) == [])
        #expect(
            service.leaseProblems(in: good.replacing("192.168.1.2", with: "192.168.1.150"), nodes: ["server-2"]).map(\.text)
                == ["server-2 (\(mac)) has the lease 192.168.1.150, 192.168.1.2 is reserved"])
        #expect(
            service.leaseProblems(in: "", nodes: ["server-2"]).map(\.text) == ["server-2 (\(mac)) has no lease, 192.168.1.2 is reserved"])
        #expect(service.leaseProblems(in: "", nodes: []).isEmpty)
    }
}
