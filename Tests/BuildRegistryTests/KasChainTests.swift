import Foundation
import LabEvents
import Testing

@testable import BuildRegistry

/// The shipped chains, resolved by the real kas against a small layer.
@Suite(.tier(.contract), .timeLimit(.minutes(5)))
struct KasChainTests {
    /// What a product adds: its layers, and the script by which kas finds ISAR.
    private static let product = """
        header:
          version: 12

        repos:
          product:
            path: PLACE/layers
            layers:
              meta-product:
        """

    /// Chains that have every shipped file at least once; all of them with `VMLAB_SOAK=1`.
    private static func chosen(_ variants: [ImageVariant]) -> [ImageVariant] {
        guard ProcessInfo.processInfo.environment["VMLAB_SOAK"] != "1" else { return variants }
        var (chosen, rest): ([ImageVariant], Set<String>) = ([], Set(variants.flatMap(\.chain)))
        while !rest.isEmpty, let best = variants.max(by: { rest.intersection($0.chain).count < rest.intersection($1.chain).count }) {
            chosen.append(best)
            rest.subtract(best.chain)
        }
        return chosen
    }

    @Test func `kas resolves them, and what a chain says arrives in bitbake's configuration`() async throws {
        try await KasWorld.with { world in
            let folder = world.folder
            try Folder.write("mkdir -p \"$1\" && cd \"$1\" && export BUILDDIR=$PWD\n", to: folder + "/layers/isar-init-build-env")
            try Folder.write("BBPATH .= \":${LAYERDIR}\"\n", to: folder + "/layers/meta-product/conf/layer.conf")
            try Folder.write(Self.product.replacing("PLACE", with: folder), to: folder + "/product.yml")
            let runner = ToolRunner(tools: HostTools(path: "/usr/bin:/bin"))
            // kas takes the repository around a chain for its layers' root.
            try await runner.run(["git", "init", "-q", folder])
            let shipped = try FileManager.default.subpathsOfDirectory(atPath: folder + "/images/kas").filter { $0.hasSuffix(".yml") }
            #expect(Set(shipped.map { "kas/" + $0 }) == Set(world.isar.flatMap(\.chain)), "a file belongs to no chain")
            for (number, variant) in Self.chosen(world.isar).enumerated() {
                let work = "\(folder)/work-\(number)"
                try Folder.create(work)
                let command = ["kas", "checkout", (variant.chain.map { "images/" + $0 } + ["product.yml"]).joined(separator: ":")]
                let outcome = try await runner.outcome(command, environment: ["KAS_WORK_DIR": work, "HOME": folder], in: folder)
                #expect(outcome.succeeded, "\(variant.id): \(outcome.tail.joined(separator: "\n"))")
                let local = try String(contentsOfFile: work + "/build/conf/local.conf", encoding: .utf8)
                #expect(local.contains("MACHINE ??= \"\(variant[.machine])\""))
                #expect(local.contains("NETWORKD_PROFILE = \"\(variant[.profile])\"") == (variant[.profile] != VariantAxis.none))
                #expect(local.contains("NETWORKD_NODE_NAME = \"\(variant[.node])\"") == (variant[.node] != VariantAxis.none))
                let layers = try String(contentsOfFile: work + "/build/conf/bblayers.conf", encoding: .utf8)
                let paths = layers.matches(of: /\$\{TOPDIR\}(\/\S+?)"? *\\?\n/).map { "\(work)/build\($0.1.filter { $0 != "\"" })" }
                #expect(paths.count == 2, "\(layers)")
                for path in paths { #expect(Folder.exists(path + "/conf/layer.conf"), "\(path)") }
            }
        }
    }
}
