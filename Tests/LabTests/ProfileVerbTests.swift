import Foundation
import Testing

/// `vmlab profile` as its users run it.
@Suite("vmlab profile", .tier(.contract))
struct ProfileVerbTests {
    /// This package's profiles.
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "profiles").path

    @Test("check: one line for a good profile; every mistake and exit code 2 for others")
    func check() async throws {
        try await World.with { world in
            let program = try await world.end(of: "profile", "check", "bonding-two-switches", Self.folder + "/vlans.yaml")
            #expect(program.end == .exited(0))
            #expect(
                program.stdout == """
                    bonding-two-switches: ok, 4 nodes, 2 switches, 1 trunk, VLANs 100 200
                    vlans: ok, 4 nodes, 1 switch, VLANs 100 200

                    """)
            let text = try String(contentsOfFile: Self.folder + "/vlans.yaml", encoding: .utf8)
            let file = world.folder + "/vlans.yaml"
            try text.replacing("id: 200", with: "id: 201").replacing("link: eth1, id: 100", with: "link: eth2, id: 100")
                .write(toFile: file, atomically: true, encoding: .utf8)
            let broken = try await world.end(of: "profile", "check", file, "simple")
            #expect(broken.end == .exited(2))
            #expect(broken.stdout == "simple: ok, 4 nodes, 1 switch\n")
            #expect(broken.stderr.contains("eth1.200 is VLAN 201") && broken.stderr.contains("eth1.100 is on 'eth2'"))
            let shown = try await world.end(of: "profile", "show", file)
            #expect(shown.end == .exited(2) && shown.stderr.contains("1 more mistake in this profile"))
        }
    }

    @Test("list, show and schema: tables for people, JSON for programs")
    func show() async throws {
        try await World.with { world in
            let list = try await world.end(of: "profile", "list")
            #expect(list.stdout.split(separator: "\n").contains { $0.hasPrefix("vlans-broken  ") && $0.hasSuffix("meant to fail.") })
            let json = try await world.end(of: "profile", "list", "--json")
            struct Entry: Decodable { var name: String }
            #expect(try JSONDecoder().decode([Entry].self, from: Data(json.stdout.utf8)).map(\.name).contains("dual-stack"))
            let tables = try await world.end(of: "profile", "show", "dhcp-simple", "--nodes", "agent-1, server-1", "--lab", "some")
            #expect(tables.stdout.contains("192.168.1.100 to 192.168.1.200"))
            #expect(tables.stdout.contains("agent-1   eth1       card on lan 2  cluster  192.168.1.3/24 (DHCP)"))
            #expect(!tables.stdout.contains("server-2"))
            let plan = try await world.end(of: "profile", "show", "simple", "--json")
            let object = try JSONSerialization.jsonObject(with: Data(plan.stdout.utf8)) as? [String: Any]
            #expect((object?["nodes"] as? [[String: Any]])?.count == 4)
            let schema = try await world.end(of: "profile", "schema")
            #expect(try schema.stdout == String(contentsOfFile: Self.folder + "/schema.json", encoding: .utf8))
        }
    }
}
