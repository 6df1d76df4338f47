import Foundation
import LabEvents
import NetworkProfiles
import Testing

/// Each file of `Broken` has a mistake, and beside it what its author is told.
@Suite("Mistakes in profiles", .tier(.unit))
struct BrokenProfileTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Broken")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()

    @Test("File, line, what, why and what to do", arguments: names)
    func message(_ name: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: "\(name).yaml"), encoding: .utf8)
        let expected = try String(contentsOf: Self.folder.appending(path: "\(name).txt"), encoding: .utf8)
        let error = try #require(throws: ProfileError.self) { try NetworkProfile.parse(text, file: "\(name).yaml") }
        #expect(error.description + "\n" == expected)
        for problem in error.problems {
            #expect(problem.kind == .invalidInput && problem.why != nil && problem.remedy != nil, "\(problem)")
            #expect(problem.location?.wholeMatch(of: #/.*\.yaml:[0-9]+/#) != nil, "\(problem)")
        }
    }

    @Test("There are enough of them")
    func count() { #expect(Self.names.count >= 59) }

    @Test("A caller that shows one problem hears of the others")
    func summary() throws {
        let text = try String(contentsOf: Self.folder.appending(path: "impairments.yaml"), encoding: .utf8)
        let error = try #require(throws: ProfileError.self) { try NetworkProfile.parse(text, file: "impairments.yaml") }
        #expect(error.problem.remedy?.hasSuffix("\n6 more mistakes in this profile; `vmlab profile check` prints all") == true)
    }

    @Test("A profile that code makes has the same checks, without lines")
    func code() throws {
        var profile = try shipped.profile("vlans")
        profile.source = ProfileSource()
        profile.interfaces.vlans?[0].parent = "eth2"
        let problem = try #require(profile.problems().first)
        #expect(problem.location == "network profile vlans, vlans.eth1.200.link")
        #expect(problem.what == "VLAN interface eth1.200 is on 'eth2', which is unknown")
        #expect(throws: Problem.self) { try profile.plan(lab: "test") }
    }

    @Test("Files that are none")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "profile-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func problem(_ name: String, _ bytes: [UInt8]?) throws -> Problem {
            let file = folder.appending(path: name)
            if let bytes { try Data(bytes).write(to: file) }
            return try #require(throws: ProfileError.self) { try NetworkProfile.load(file.path) }.problem
        }
        #expect(try problem("none.yaml", nil).what == "the network profile cannot be read")
        #expect(try problem("bytes.yaml", [0xFF, 0xFE, 0xC3]).what == "the file is no text in UTF-8")
        #expect(try problem("empty.yaml", []).what == "empty file")
        #expect(try problem("large.yaml", Array(repeating: 0x23, count: 2 << 20)).what == "the file is too large for a network profile")
        let doubling = (1...40).map { "a\($0): &a\($0) {p: *a\($0 - 1), q: *a\($0 - 1)}\n" }.joined()
        #expect(try problem("aliases.yaml", Array("a0: &a0 {x: y}\n\(doubling)? *a40\n: x\n".utf8)).what.contains("too many YAML aliases"))
        #expect(try problem("deep.yaml", Array(repeating: UInt8(ascii: "["), count: 1 << 19)).what == "not valid YAML")
    }

    @Test("The catalog: folders in order, names, paths, and what there is instead")
    func catalog() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "profiles-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try String(contentsOfFile: packageFolder + "/profiles/simple.yaml", encoding: .utf8)
        try text.replacing("hosts: 3-4", with: "hosts: 3-5").write(
            to: folder.appending(path: "simple.yaml"), atomically: true, encoding: .utf8)
        let environment = ["VMLAB_PROFILES": folder.path]
        let catalog = try ProfileCatalog.standard(environment: environment, workingDirectory: packageFolder, executable: "/nowhere/vmlab")
        #expect(catalog.folders == [folder.path, packageFolder + "/profiles"])
        #expect(catalog.names == shipped.names)
        #expect(try catalog.profile("simple").nodeNames.count == 5)
        #expect(try catalog.profile("\(packageFolder)/profiles/simple.yaml").nodeNames.count == 4)
        let installed = try ProfileCatalog.standard(
            environment: [:], workingDirectory: "/nowhere", executable: packageFolder + "/.build/debug/vmlab")
        #expect(installed.folders == [packageFolder + "/profiles"])
        // A user's own package, with vmlab among its dependencies.
        for path in ["profiles", ".build/checkouts/vmlab/profiles"] {
            try FileManager.default.createDirectory(at: folder.appending(path: path), withIntermediateDirectories: true)
        }
        try "".write(to: folder.appending(path: "Package.swift"), atomically: true, encoding: .utf8)
        let users = try ProfileCatalog.standard(
            environment: [:], workingDirectory: "/nowhere", executable: folder.path + "/.build/debug/own")
        #expect(users.folders == [folder.path + "/.build/checkouts/vmlab/profiles", folder.path + "/profiles"])
        let problem = try #require(throws: ProfileError.self) { try catalog.profile("vlnas") }.problem
        #expect(problem.what == "there is no network profile called 'vlnas'" && problem.remedy == "did you mean 'vlans'?")
        #expect(throws: Problem.self) { try ProfileCatalog.standard(environment: ["VMLAB_PROFILES": "/nowhere"]) }
    }
}
