import Crypto
import Fetching
import Foundation
import LabEvents
import Testing

@testable import K3sCluster

/// What the client does with files, options and commands of k3s, held to the fixtures that the stand-in is held to.
@Suite("Files, options and commands of k3s", .tier(.unit))
struct FileContractTests {
    private struct DataFolder: Decodable {
        struct Entry: Decodable {
            var path: String
            var taken: Bool?
            var read: Bool?
        }
        var entries: [Entry]
    }

    @Test("What is taken away from a server is what k3s left") func takenAway() throws {
        let fixture: DataFolder = try Fixtures.yaml("data-folder.yaml")
        let taken = fixture.entries.filter { $0.taken ?? false }.map(\.path)
        #expect(Set(taken) == Set(LabCluster.taken.map { "server/\($0)" } + [LabCluster.balancer]))
    }

    private struct Commands: Decodable {
        struct Version: Decodable { var first: String }
        struct Snapshot: Decodable {
            struct Name: Decodable {
                var prefix: String
                var pattern: String
                var folder: String
            }
            var options: [String]
            var name: Name
        }
        var version: Version
        var snapshot: Snapshot
    }

    @Test("A snapshot is taken with options that k3s has, and looked for where it puts it") func snapshotTaken() throws {
        let fixture: Commands = try Fixtures.yaml("commands.yaml")
        for option in LabCluster.snapshotOptions(.debian) {
            #expect(fixture.snapshot.options.contains(String(option.dropFirst(2).prefix { $0 != "=" })), "\(option)")
        }
        #expect(LabCluster.snapshots == fixture.snapshot.name.folder)
        #expect(LabCluster.snapshotName == fixture.snapshot.name.prefix)
        #expect(fixture.snapshot.name.pattern.hasPrefix("^\(LabCluster.snapshotName)-"))
        #expect(K3sVersion("\(fixture.version.first)v1.34.8+k3s1 (1e5466b1)\n")?.version == "v1.34.8+k3s1")
    }

    private struct Bootstrap: Decodable {
        struct Keys: Decodable {
            struct Key: Decodable {
                var password: String
                var key: String
            }
            var passwords: [Key]
        }
        struct Sealed: Decodable {
            var password: String
            var text: String
            var derived: String
            var plain: String
        }
        var key: Keys
        var sealed: Sealed
    }

    /// Not what the client does: what it is worth that the stand-in does it. The fixture is opened by another library than the stand-in's.
    @Test("The fixture of bootstrap data is true") func fixtureBootstrapData() throws {
        let fixture: Bootstrap = try Fixtures.yaml("bootstrap-data.yaml")
        for key in fixture.key.passwords {
            let digest = SHA256.hash(data: Array(key.password.utf8)).map { String(format: "%02x", $0) }.joined()
            #expect(key.key == "/bootstrap/" + digest.prefix(12))
        }
        let text = try #require(fixture.sealed.text.split(separator: ":").last)
        let bytes = try #require(Data(base64Encoded: String(text)))
        let digits = Array(fixture.sealed.derived)
        let secret = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
        let opened = try AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: SymmetricKey(data: secret))
        #expect(String(decoding: opened, as: UTF8.self) == fixture.sealed.plain)
    }

    private struct Units: Decodable {
        struct Key: Decodable {
            var key: String
            var gate: String?
        }
        var keys: [String: [Key]]
    }

    @Test("The gate's part of the unit says what k3s's unit says, or the same in other words") func gatePartUnit() throws {
        let fixture: Units = try Fixtures.yaml("units.yaml")
        let gated = (fixture.keys["Service"] ?? []).filter { $0.gate != nil }
        #expect(gated.map(\.key) == ["TimeoutStartSec", "Restart", "RestartSec"])
        let lines = K3sGate.dropIn.split(separator: "\n").map(String.init)
        for key in gated { #expect(lines.contains("\(key.key)=\(key.gate ?? "")"), "\(key.key)") }
    }

    private struct Registries: Decodable {
        struct Path: Decodable { var value: String }
        struct Types: Decodable {
            var top: [String]
            var mirror: [String]
            var config: [String]
            var auth: [String]
        }
        var path: Path
        var types: Types
    }

    private struct RegistryFile: Decodable {
        var mirrors: [String: [String: [String]]]
        var configs: [String: [String: [String: String]]]
    }

    @Test("registries.yaml has the keys that k3s reads") func registriesKeys() async throws {
        let fixture: Registries = try Fixtures.yaml("registries-keys.yaml")
        #expect(K3sRegistries.path == fixture.path.value)
        let environment = [
            "VMLAB_REGISTRIES": "a.example=http://m.example", "VMLAB_REGISTRY_A_EXAMPLE_USER": "u",
            "VMLAB_REGISTRY_A_EXAMPLE_PASSWORD": "secret-password",
        ]
        let registries = try await K3sRegistries(environment: environment, credentials: Credentials(environment: environment))
        let yaml = try #require(registries.yaml)
        let top: [String: Anything] = try Fixtures.decode(yaml)
        let file: RegistryFile = try Fixtures.decode(yaml)
        #expect(top.keys.allSatisfy(fixture.types.top.contains) && top.count == 2)
        for keys in file.mirrors.values.map(\.keys) { #expect(keys.allSatisfy(fixture.types.mirror.contains) && !keys.isEmpty) }
        for config in file.configs.values {
            #expect(config.keys.allSatisfy(fixture.types.config.contains) && !config.isEmpty)
            for auth in config.values { #expect(auth.keys.allSatisfy(fixture.types.auth.contains) && auth.count == 2) }
        }
    }

    private struct Anything: Decodable { init(from decoder: any Decoder) throws {} }

    private struct EtcdConfiguration: Decodable {
        struct Values: Decodable {
            var heartbeat: Int
            var election: Int
            enum CodingKeys: String, CodingKey {
                case heartbeat = "heartbeat-interval"
                case election = "election-timeout"
            }
        }
        struct Arguments: Decodable {
            var given: [String]
            var values: Values
        }
        var values: Values
        var arguments: Arguments
    }

    @Test("Etcd's times are k3s's own, and others are given as k3s takes them") func etcdTimes() throws {
        let fixture: EtcdConfiguration = try Fixtures.yaml("etcd-config.yaml")
        #expect(EtcdTimes.usual == EtcdTimes(heartbeat: fixture.values.heartbeat, election: fixture.values.election))
        let scaled = EtcdTimes.scaled(by: 3)
        #expect(scaled == EtcdTimes(heartbeat: fixture.arguments.values.heartbeat, election: fixture.arguments.values.election))
        for flag in scaled.flags { #expect(fixture.arguments.given.contains(String(flag.dropFirst("--etcd-arg=".count))), "\(flag)") }
    }

    private struct Lines: Decodable {
        struct Line: Decodable { var line: String }
        var lines: [Line]
    }

    @Test("Nothing that is said on the way up is taken for a failure") func nothingSaidWay() throws {
        let fixture: Lines = try Fixtures.yaml("start-lines.yaml")
        #expect(fixture.lines.count > 30)
        for line in fixture.lines.map(\.line) {
            #expect(K3sFailure.find(in: ["time=\"2026-01-01T00:00:00Z\" level=info msg=\"\(line)\""]) == nil, "\(line)")
        }
    }

    @Test("Every failure that the client knows has its line") func everyFailureClient() throws {
        let fixture: Lines = try Fixtures.yaml("failure-lines.yaml")
        for failure in K3sFailure.known { #expect(fixture.lines.contains { $0.line.contains(failure.text) }, "\(failure.text)") }
    }
}
