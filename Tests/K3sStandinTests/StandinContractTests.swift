import Foundation
import Testing
import Yams

/// The stand-in's programs on this host, held to the fixtures that the client of k3s is held to (`K3sClusterTests`); each names its place in k3s-io/k3s.
@Suite("The stand-in and the fixtures of its client", .tier(.contract), .timeLimit(.minutes(5)))
struct StandinContractTests {
    static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    static let folder = package + "/images/k3s-standin"
    static let fixtures = package + "/Tests/K3sClusterTests/Fixtures"
    static let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "contract.py").path

    /// The fixtures that `contract.py` has a probe for; `units.yaml` is compared with the image's description here.
    static let probed = [
        "answers.yaml", "bootstrap-data.yaml", "ca-hash.yaml", "commands.yaml", "data-folder.yaml", "etcd-config.yaml", "etcd-members.json",
        "failure-lines.yaml", "health.yaml", "node-metadata.yaml", "nodes.json", "registries-keys.yaml", "server-flags.yaml",
        "start-lines.yaml", "token-forms.yaml", "voter-conditions.yaml",
    ]

    @Test("It does and says what the fixture has", arguments: probed) func itDoesSays(_ name: String) throws {
        let path = "\(Self.fixtures)/\(name)"
        // YAML has JSON in it; Python's standard library knows JSON alone.
        let value = try #require(try Yams.load(yaml: String(contentsOfFile: path, encoding: .utf8)))
        let json = name.hasSuffix(".json") ? try Data(contentsOf: URL(filePath: path)) : try JSONSerialization.data(withJSONObject: value)
        let probe = String(name.prefix { $0 != "." })
        let said = try run(["python3", Self.program, Self.folder + "/lib", probe], input: json)
        #expect(said.status == 0)
        #expect(said.output.wholeMatch(of: /looked at [1-9][0-9]*\n/) != nil, "\(said.output)")
    }

    @Test("No fixture is forgotten") func noFixtureForgotten() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.fixtures).filter { $0 != "SOURCES.yaml" }
        #expect(Set(files) == Set(Self.probed + ["units.yaml"]))
    }

    struct Units: Decodable {
        struct Key: Decodable {
            var key: String
            var value: String
            var image: Bool?
            var instead: [String]?
        }
        var keys: [String: [Key]]
    }

    struct Image: Decodable {
        struct File: Decodable {
            var path: String
            var mode: String?
            var content: String
        }
        var files: [File]
    }

    @Test("The image's units are as install.sh makes them") func imagesUnits() throws {
        let image = try decode(Image.self, "\(Self.package)/images/k3s-standin.yaml")
        let fixture = try decode(Units.self, "\(Self.fixtures)/units.yaml")
        let units = image.files.filter { $0.path.wholeMatch(of: /\/etc\/systemd\/system\/k3s[a-z-]*\.service/) != nil }
        #expect(units.count == 3)
        for unit in units {
            var section = ""
            var found: [String: [String]] = [:]
            for line in unit.content.split(separator: "\n") {
                if line.hasPrefix("[") { section = String(line.dropFirst().dropLast()) }
                let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
                if parts.count == 2 { found["\(section) \(parts[0])", default: []].append(parts[1]) }
            }
            for (section, keys) in fixture.keys {
                for key in keys {
                    let values = found["\(section) \(key.key)"] ?? []
                    let expected = key.image == false ? [] : key.instead ?? [key.value]
                    #expect(expected.isEmpty ? values.isEmpty : !values.isEmpty, "\(unit.path): \(key.key)")
                    #expect(values.allSatisfy(expected.contains), "\(unit.path): \(key.key)=\(values)")
                }
            }
        }
        for file in image.files where file.path.hasPrefix("/etc/default/k3s") { #expect(file.mode == "0600", "\(file.path)") }
    }

    @Test("It says what it is, and ends as k3s does when it is not told enough") func saysWhatItIs() throws {
        struct Case {
            var arguments: [String]
            var status: Int32
            var says: String
        }
        for item in [
            Case(arguments: ["--version"], status: 0, says: "k3s version v1.34.8+standin ("),
            Case(
                arguments: ["agent", "--server", "https://127.0.0.1:1"], status: 1, says: #"level=fatal msg="Error: --token is required""#),
            Case(arguments: ["agent", "--token", "x"], status: 1, says: #"level=fatal msg="Error: --server is required""#),
            Case(arguments: ["server", "--no-such"], status: 1, says: "flag provided but not defined: -no-such"),
        ] {
            let said = try run([Self.folder + "/bin/k3s"] + item.arguments)
            #expect(said.status == item.status && said.output.contains(item.says), "\(item.arguments): \(said)")
        }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
        try YAMLDecoder().decode(type, from: String(contentsOfFile: path, encoding: .utf8))
    }

    /// Both outputs of a program together, and its status.
    private func run(_ command: [String], input: Data = Data()) throws -> (status: Int32, output: String) {
        let process = Process()
        let (output, given) = (Pipe(), FileManager.default.temporaryDirectory.appending(path: "vmlab-contract-\(UUID().uuidString)"))
        try input.write(to: given)
        defer { try? FileManager.default.removeItem(at: given) }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("K3S_") }.merging([
            "K3S_STANDIN_LIB": Self.folder + "/lib", "K3S_STANDIN_MODES": "/dev/null", "PYTHONDONTWRITEBYTECODE": "1",
        ]) { $1 }
        (process.standardOutput, process.standardError, process.standardInput) = (output, output, try FileHandle(forReadingFrom: given))
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
