import Foundation
import LabEvents
import NetworkProfiles
import Testing

/// What systemd-networkd gets.
@Suite("networkd files", .tier(.unit))
struct NetworkdTests {
    /// The files that the users' images have for server-1: what is in each section, without comments. Ours have all of it.
    struct Images: Sendable, CustomTestStringConvertible {
        var profile: String
        var files: [String: String]
        var testDescription: String { profile }
    }

    private static let trunk = "DHCP=no IPv6AcceptRA=no LinkLocalAddressing=no"

    static let images = [
        Images(profile: "simple", files: ["20-eth1.network": "[Match] Name=eth1 [Network] \(trunk) Address=192.168.1.1/24"]),
        Images(
            profile: "dhcp-simple",
            files: ["20-eth1.network": "[Match] Name=eth1 [Network] DHCP=yes IPv6AcceptRA=no LinkLocalAddressing=no"]),
        Images(
            profile: "vlans",
            files: vlans(on: "eth1", cluster: 200, storage: 100).merging([
                "15-eth1.network": "[Match] Name=eth1 [Network] \(trunk) VLAN=eth1.200 VLAN=eth1.100"
            ]) { $1 }),
        Images(
            profile: "vlans-broken",
            files: vlans(on: "eth1", cluster: 200, storage: 100).merging([
                "15-eth1.network": "[Match] Name=eth1 [Network] \(trunk) VLAN=eth1.200 VLAN=eth1.100"
            ]) { $1 }),
        // The mode apart: these images bake 802.3ad in, which the profile does not want.
        Images(
            profile: "bonding-vlans",
            files: vlans(on: "bond0", cluster: 200, storage: 100).merging([
                "10-bond0.netdev": "[NetDev] Kind=bond Name=bond0 [Bond] MIIMonitorSec=100ms",
                "10-eth1.network": "[Match] Name=eth1 [Network] Bond=bond0 [Link] RequiredForOnline=no",
                "10-eth2.network": "[Match] Name=eth2 [Network] Bond=bond0",
                "15-bond0.network": "[Match] Name=bond0 [Network] \(trunk) VLAN=bond0.200 VLAN=bond0.100",
            ]) { $1 }),
    ]

    private static func vlans(on parent: String, cluster: Int, storage: Int) -> [String: String] {
        var files: [String: String] = [:]
        for (network, id) in [("cluster", cluster), ("storage", storage)] {
            files["20-vlan-\(network).netdev"] = "[NetDev] Kind=vlan Name=\(parent).\(id) [VLAN] Id=\(id)"
            files["20-vlan-\(network).network"] = "[Match] Name=\(parent).\(id) [Network] \(trunk) Address=192.168.\(id).1/24"
        }
        return files
    }

    @Test("What is baked is what the users' images have, file by file", arguments: images)
    func baked(_ images: Images) throws {
        let node = try Shipped.node("server-1", of: images.profile)
        let files = node.networkdFiles(hardwareAddresses: false)
        #expect(files.map(\.name) == images.files.keys.sorted())
        for file in files {
            let ours = Self.settings(file.content.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }.joined(separator: " "))
            let theirs = Self.settings(images.files[file.name] ?? "")
            #expect(theirs.isSubset(of: ours), "\(images.profile) \(file.name): \(theirs.subtracting(ours))")
        }
    }

    /// `SECTION KEY=VALUE` for each setting.
    private static func settings(_ text: String) -> Set<String> {
        var section = ""
        var settings: Set<String> = []
        for word in text.split(separator: " ") {
            if word.hasPrefix("[") { section = String(word) } else { settings.insert("\(section) \(word)") }
        }
        return settings
    }

    @Test("What the users' images bake with LACP comes from the profile with that mode")
    func lacp() throws {
        var profile = try Shipped.profile("bonding-vlans")
        profile.interfaces.bonds = [.init(name: "bond0", legs: ["eth1", "eth2"], mode: .lacp, miimon: 100, lacpRate: .fast)]
        let node = try #require(try profile.plan(lab: "golden", nodes: ["server-1"]).node("server-1"))
        let file = try #require(node.networkdFiles(hardwareAddresses: false).first { $0.name == "10-bond0.netdev" })
        #expect(
            file.content == """
                # Made by vmlab for server-1.

                [NetDev]
                Kind=bond
                Name=bond0

                [Bond]
                LACPTransmitRate=fast
                MIIMonitorSec=100ms
                Mode=802.3ad

                """)
    }

    @Test("What is pushed for a bond: names by permanent address, the bond's own address, the primary leg")
    func pushed() throws {
        let node = try Shipped.node("server-1", of: "bonding-vlans")
        let text = node.networkdFiles().prefix(6).map { "== \($0.name)\n\($0.content)" }.joined()
        let macs = node.cards.map(\.link.mac.description)
        #expect(
            text == """
                == 10-bond0.netdev
                # Made by vmlab for server-1.

                [NetDev]
                Kind=bond
                Name=bond0
                MACAddress=\(macs[0])

                [Bond]
                MIIMonitorSec=100ms
                Mode=active-backup
                GratuitousARP=3
                UpDelaySec=200ms
                DownDelaySec=200ms
                PrimaryReselectPolicy=always
                == 10-eth1.link
                # Made by vmlab for server-1.

                [Match]
                PermanentMACAddress=\(macs[0])
                Type=ether

                [Link]
                Name=eth1
                == 10-eth1.network
                # Made by vmlab for server-1.

                [Match]
                Name=eth1

                [Network]
                Bond=bond0
                PrimarySlave=yes

                [Link]
                RequiredForOnline=no
                == 10-eth2.link
                # Made by vmlab for server-1.

                [Match]
                PermanentMACAddress=\(macs[1])
                Type=ether

                [Link]
                Name=eth2
                == 10-eth2.network
                # Made by vmlab for server-1.

                [Match]
                Name=eth2

                [Network]
                Bond=bond0

                [Link]
                RequiredForOnline=no
                == 15-bond0.network
                # Made by vmlab for server-1.

                [Match]
                Name=bond0

                [Network]
                DHCP=no
                IPv6AcceptRA=no
                LinkLocalAddressing=no
                VLAN=bond0.200
                VLAN=bond0.100

                """)
    }

    @Test("IPv6 needs link-local addresses; an unusual MTU is said for cards and for what stands on them")
    func others() throws {
        let dual = try Shipped.node("server-1", of: "dual-stack").networkdFiles(hardwareAddresses: false)
        #expect(dual.map(\.name) == ["20-eth1.network"])
        #expect(dual[0].content.contains("LinkLocalAddressing=ipv6\nAddress=192.168.1.1/24\nAddress=fd00:1::1/64\n"))
        var profile = try Shipped.profile("vlans")
        profile.mtu = 1400
        let node = try #require(try profile.plan(lab: "golden", nodes: ["server-1"]).node("server-1"))
        let files = node.networkdFiles(hardwareAddresses: false).filter { $0.content.contains("MTUBytes=1400") }
        #expect(files.map(\.name) == ["15-eth1.network", "20-vlan-cluster.netdev", "20-vlan-storage.netdev"])
    }
}

/// The profiles that come with vmlab.
enum Shipped {
    static let folder =
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/profiles"

    static func profile(_ name: String) throws -> NetworkProfile { try NetworkProfile.load("\(folder)/\(name).yaml") }

    static func plan(_ name: String) throws -> NetworkPlan { try profile(name).plan(lab: "golden") }

    static func node(_ name: String, of profile: String) throws -> NodeNetwork { try #require(try plan(profile).node(name)) }
}
