import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

/// The shipped matrix with smaller sizes, and a stand-in for kas that builds it in no time.
struct KasWorld: Sendable {
    let folder: String
    let matrix: VariantMatrix
    var cache: String { folder + "/cache" }
    var registry: ImageRegistry { ImageRegistry(cache: cache) }
    /// kas's work folder, which holds what the stand-in does.
    var work: String { folder }
    var tools: HostTools { HostTools(path: "\(folder)/bin:/usr/bin:/bin") }
    var isar: [ImageVariant] { matrix.variants.filter { $0.builder == .isar } }

    /// Runs `body` with a world that is gone afterwards.
    static func with(_ body: (KasWorld) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let tests = URL(filePath: #filePath).deletingLastPathComponent()
            let shipped = tests.appending(path: "../../images").standardized.path
            try FileManager.default.copyItem(atPath: shipped, toPath: folder + "/images")
            try Folder.create(folder + "/bin")
            try FileManager.default.copyItem(atPath: tests.path + "/Payload/kas", toPath: folder + "/bin/kas")
            let file = folder + "/images/variants.yaml"
            var text = try String(contentsOfFile: file, encoding: .utf8)
            for (large, small) in [("64M-16G", "64K-16G"), ("16M-16G", "1K-16G"), ("1M-", "1K-"), ("\"20480\"", "\"1\"")] {
                text = text.replacing(large, with: small)
            }
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            try "".write(toFile: folder + "/mounts", atomically: true, encoding: .utf8)
            try await body(KasWorld(folder: folder, matrix: try VariantMatrix(contentsOf: file)))
        }
    }

    /// What the stand-in does; see its own words.
    struct Behaviour: Codable {
        var naming = "new"
        var blind = false
        var inPlace = true
        var oldTimes = true
        var wrongMachine = false
        var seconds = 0.0
        /// By `PROFILE/NODE`: before, middle or after.
        var fail: [String: String] = [:]
    }

    func behave(_ behaviour: Behaviour) throws {
        try JSONEncoder().encode(behaviour).write(to: URL(filePath: work + "/behaviour.json"))
    }

    func build(
        _ variants: [ImageVariant], _ options: VariantBuild.Options = .init(), mounts: String? = nil,
        progress: @escaping @Sendable (VariantBuildEvent) -> Void = { _ in }
    ) async throws -> VariantBuildReport {
        try await VariantBuild(
            catalog: ImageCatalog(folders: [folder + "/images"]), cache: cache, options: options, tools: tools,
            mounts: mounts ?? folder + "/mounts",
            progress: progress
        ).run(variants)
    }

    /// What the stand-in writes into an output that no other variant may have.
    static func mark(_ variant: ImageVariant) -> String {
        let layout = variant[.boot] == "uefi-ab" ? "edge-ab.wks" : variant[.role] == "base" ? "plain" : "edge-systemd-boot.wks"
        return [variant[.role], variant[.machine], variant[.profile], variant[.node], layout].joined(separator: "/") + " "
    }

    /// Checks that every file of every generation in the registry is its variant's: the mark of no other, the machine's kernel, and the digest of its name.
    func checkRegistered() async throws {
        for variant in isar {
            for image in try await registry.generations(of: variant.id) {
                #expect(image.artifacts.map(\.name) == variant.outputs.map(\.name))
                for artifact in image.artifacts {
                    let data = try Data(contentsOf: URL(filePath: registry.object(artifact.sha256)))
                    #expect(Digest.sha256(data) == artifact.sha256)
                    let mark = artifact.name == "kernel" || artifact.name == "initrd" ? variant[.machine] : Self.mark(variant)
                    #expect(data.firstRange(of: Data(mark.utf8)) != nil, "\(variant.id): \(artifact.name) is another's")
                }
            }
        }
        #expect(!Folder.exists(work + "/collision"), "two builds were in one folder at once")
    }
}

extension VariantBuildReport {
    /// What became of a variant.
    func outcome(_ variant: ImageVariant) -> Outcome? { variants.first { $0.variant == variant.id }?.outcome }
}
