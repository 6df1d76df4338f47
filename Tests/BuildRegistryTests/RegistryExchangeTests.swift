import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

/// What one registry exports, another imports, byte for byte or not at all.
@Suite(.tier(.contract))
struct RegistryExchangeTests {
    private func withExport(_ body: (RegistryFixture, ImageRegistry, String) async throws -> Void) async throws {
        try await RegistryFixture.with { fixture in
            let log = fixture.folder + "/build.log"
            try Folder.write("built\n", to: log)
            for node in ["n1", "n2"] {
                _ = try await fixture.registry.register(
                    ImageRegistration(
                        variant: try fixture.variant("node=\(node),machine=vm"), files: try fixture.outputs(node),
                        provenance: Provenance(builder: "test"),
                        log: log))
            }
            let archive = fixture.folder + "/images.tar"
            try await fixture.registry.export(try await fixture.registry.images(), to: archive)
            try await body(fixture, ImageRegistry(cache: fixture.folder + "/other"), archive)
        }
    }

    @Test func `an export is imported with everything, and once`() async throws {
        try await withExport { fixture, other, archive in
            let outcomes = try await other.import(archive)
            #expect(outcomes.allSatisfy { !$0.isUnchanged })
            #expect(try await other.images() == fixture.registry.images())
            let verification = try await other.verify()
            #expect(verification.faults == [])
            #expect(verification.files == 4)
            #expect(try await other.import(archive).allSatisfy(\.isUnchanged))
            #expect(RegistryLock(try await other.images()) == RegistryLock(try await fixture.registry.images()))
        }
    }

    @Test func `a byte that changed is found, and nothing is imported`() async throws {
        try await withExport { fixture, other, archive in
            let mark = Data("n2".utf8)
            var bytes = try #require(FileManager.default.contents(atPath: archive))
            let place = try #require(bytes.range(of: Bytes.disk("n2", bytes: 2048)[1000..<1100].withUnsafeBytes { Data($0) }))
            bytes.replaceSubrange(place.lowerBound + 24..<place.lowerBound + 26, with: [mark[0], 0x58])
            try bytes.write(to: URL(filePath: archive))
            let problem = await #expect(throws: Problem.self) { try await other.import(archive) }
            #expect(problem?.what == "the export is damaged")
            #expect(problem?.kind == .invalidInput)
            #expect(try await other.images() == [])
            #expect(Folder.names(in: other.staging) == [])
        }
    }

    @Test func `what is cut off or something else is refused`() async throws {
        try await withExport { fixture, other, archive in
            let bytes = try #require(FileManager.default.contents(atPath: archive))
            try bytes.prefix(bytes.count / 2).write(to: URL(filePath: archive))
            await #expect(throws: Problem.self) { try await other.import(archive) }
            try Folder.write("not a tar", to: archive)
            let text = await #expect(throws: Problem.self) { try await other.import(archive) }
            #expect(text?.what == "the export cannot be read")
            let nothing = await #expect(throws: Problem.self) { try await other.import(archive + ".none") }
            #expect(nothing?.what == "the export cannot be read")
            try Folder.write("{}", to: fixture.folder + "/m/manifest.json")
            try await ToolRunner(tools: HostTools()).run(["tar", "-cf", archive, "-C", fixture.folder + "/m", "manifest.json"])
            let strange = await #expect(throws: Problem.self) { try await other.import(archive) }
            #expect(strange?.what == "this is no export of a registry")
            #expect(try await other.images() == [])
        }
    }

    @Test func `an import keeps the rule that no other variant has the same bytes`() async throws {
        try await withExport { fixture, other, archive in
            _ = try await other.register(
                ImageRegistration(
                    variant: try fixture.variant("node=n3"), files: try fixture.outputs("n1"), provenance: Provenance(builder: "test")))
            let problem = await #expect(throws: Problem.self) { try await other.import(archive) }
            #expect(problem?.what.hasSuffix("the output 'wic' is another variant's") == true)
            #expect(try await other.images().count == 1)
        }
    }

    @Test func `a damaged image is not exported, and an old export stays`() async throws {
        try await withExport { fixture, _, archive in
            let before = FileManager.default.contents(atPath: archive)
            let images = try await fixture.registry.images()
            Folder.remove(fixture.registry.object(try #require(images[1].artifact(.wic)).sha256))
            let problem = await #expect(throws: Problem.self) { try await fixture.registry.export(images, to: archive) }
            #expect(problem?.why == "the file is missing")
            #expect(FileManager.default.contents(atPath: archive) == before)
            try await fixture.registry.export([images[0]], to: archive)
        }
    }
}
