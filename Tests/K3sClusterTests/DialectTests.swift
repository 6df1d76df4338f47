import Fetching
import Foundation
import LabEvents
import Testing
import VMLab

@testable import K3sCluster

@Suite("Dialects and files", .tier(.unit))
struct DialectTests {
    @Test("An image is known by its units") func imageKnownUnits() {
        #expect(K3sDialect.matching(units: ["k3s-server.service", "k3s.service"])?.name == "debian")
        #expect(K3sDialect.matching(units: ["k3s.service"])?.name == "nixos")
        #expect(K3sDialect.matching(units: ["ssh.service"]) == nil)
        #expect(K3sDialect.nixos.units == ["k3s.service"] && K3sDialect.debian.units.count == 2)
    }

    @Test("A file with variables keeps what is not ours") func fileVariablesKeeps() throws {
        let old = "# k3s\nHTTP_PROXY=http://x\nK3S_SERVER_OPTS=--old\nK3S_TOKEN=baked\n K3S_URL=https://old\n\n"
        let new = try K3sDialect.environment(
            old, setting: [("K3S_SERVER_OPTS", "--cluster-init --node-ip=10.0.0.1"), ("K3S_TOKEN", #"a"b$c\d"#)],
            removing: ["K3S_URL"])
        #expect(
            new == "# k3s\nHTTP_PROXY=http://x\nK3S_SERVER_OPTS=\"--cluster-init --node-ip=10.0.0.1\"\nK3S_TOKEN=\"a\\\"b\\$c\\\\d\"\n")
        #expect(throws: Problem.self) { try K3sDialect.environment("", setting: [("A", "x\ny")]) }
        #expect(try K3sDialect.environment("K3S_TOKEN=baked", setting: [("A", "b")], removing: ["K3S_TOKEN"]) == "A=\"b\"\n")
    }

    @Test("Registries come from variables and from docker login") func registriesComeFrom() async throws {
        let docker = """
            {"auths": {"https://index.docker.io/v1/": {"auth": "\(Data("hub:hub-password".utf8).base64EncodedString())"},
            "registry.example:5000": {"username": "u", "password": "plain-password"}, "other.example": {"auth": "eDp5"}}}
            """
        let registries = try await registries(
            [
                "VMLAB_REGISTRIES": "docker.io registry.example:5000=http://mirror.example:8080 own.example none.example",
                "VMLAB_REGISTRY_OWN_EXAMPLE_USER": "me", "VMLAB_REGISTRY_OWN_EXAMPLE_PASSWORD": "own\"pass: word",
            ], docker)
        let yaml = try #require(registries.yaml)
        let read: File = try Fixtures.decode(yaml)
        #expect(read.mirrors["registry.example:5000"]?.endpoint == ["http://mirror.example:8080"])
        #expect(read.configs["own.example"]?.auth["password"] == "own\"pass: word")
        #expect(read.configs["docker.io"]?.auth == ["username": "hub", "password": "hub-password"])
        #expect(read.configs["registry-1.docker.io"]?.auth["username"] == "hub")
        #expect(read.configs["mirror.example:8080"]?.auth["password"] == "plain-password")
        #expect(read.configs["other.example"] == nil && read.configs["none.example"] == nil)
        var dumped = ""
        dump(registries, to: &dumped)
        for text in ["\(registries)", dumped] { #expect(!text.contains("password") && !text.contains("pass: word"), "\(text)") }
        let redactor = Redactor()
        try registries.hide(in: redactor)
        let redacted = redactor.redact("x hub-password plain-password own\"pass: word")
        for secret in ["hub-password", "plain-password", "own\"pass: word"] { #expect(!redacted.contains(secret)) }
    }

    private struct File: Decodable {
        struct Mirror: Decodable { var endpoint: [String] }
        struct Config: Decodable { var auth: [String: String] }
        var mirrors: [String: Mirror]
        var configs: [String: Config]
    }

    @Test("Nothing is taken that no variable names") func nothingTakenNo() async throws {
        let docker = #"{"auths": {"a.example": {"auth": "eDp5"}}}"#
        #expect(try await registries([:], docker).yaml == nil)
        await #expect(throws: Problem.self) { try await registries(["VMLAB_REGISTRIES": "a", "VMLAB_REGISTRY_A_PASSWORD": "secret"]) }
        await #expect(throws: Problem.self) { try await registries(["VMLAB_REGISTRIES": "a"], "no") }
    }

    private func registries(_ environment: [String: String], _ docker: String? = nil) async throws -> K3sRegistries {
        let credentials = Credentials(environment: environment, dockerConfiguration: docker.map { Array($0.utf8) })
        return try await K3sRegistries(environment: environment, credentials: credentials)
    }

    @Test("A binary is one that the guests can run") func binaryOneGuests() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "vmlab-k3s-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func file(_ bytes: [UInt8]) throws -> String {
            let path = folder.appending(path: UUID().uuidString)
            try Data(bytes).write(to: path)
            return path.path
        }
        let script = Array("#!/bin/sh\necho 'k3s version v0.0.0+fake (0)'\n".utf8)
        let planned = try PlannedFile.program(try file(script))
        #expect(planned.bytes == script.count && planned.sha256.count == 64)
        var elf = [0x7F] + Array("ELF".utf8) + [UInt8](repeating: 0, count: 60)
        elf[18] = 62
        #expect(try PlannedFile.program(try file(elf)).bytes == 64)
        elf[18] = 183
        let wrong = #expect(throws: Problem.self) { try PlannedFile.program(try file(elf)) }
        #expect(wrong?.kind == .invalidInput && wrong?.why == "its ELF machine is 183, and x86-64 is 62")
        #expect(throws: Problem.self) { try PlannedFile.program(try file(Array("hello".utf8))) }
        #expect(throws: Problem.self) { try PlannedFile.program(folder.path + "/nothing") }
    }
}
