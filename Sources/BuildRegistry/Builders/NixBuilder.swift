import LabEvents
import SystemPackage

/// Attributes of a Nix expression. Settings: `file`, the expression, relative to the file that declares the variant; `attribute.OUTPUT` for each output:
/// the path of the attribute whose store path has it, for example `config.system.build.kernel`. An output's pattern is looked for in that path;
/// where the path is a file, the pattern does not matter.
///
/// Every attribute is built by `nix-build --no-out-link` (Nix's manual, "nix-build"). Its inputs are the derivations' store paths, which name all that decides
/// the result.
struct NixBuilder: VariantBuilding {
    let tools: HostTools

    func check(_ variant: ImageVariant) async throws {
        try variant.checkSettings(Set(["file"] + variant.outputs.map { "attribute.\($0.name)" }))
        for output in variant.outputs { _ = try variant.setting("attribute.\(output.name)") }
        guard Folder.exists(try file(variant)) else {
            throw Problem(
                .invalidInput, "\(variant.id): its Nix expression is missing", location: try file(variant),
                why: "`file` is at \(variant.source)",
                remedy: "correct the path")
        }
        try tools.require(["nix-build", "nix-instantiate"], for: "building \(variant.id)")
    }

    func inputs(_ variant: ImageVariant) async throws -> [String: String] {
        var inputs: [String: String] = [:]
        for output in variant.outputs {
            inputs["derivation \(output.name)"] = try await lastLine(
                ["nix-instantiate", try file(variant), "-A", try attribute(output, variant)], variant, nil)
        }
        return inputs
    }

    /// Nix has locks of its own.
    func exclusive(_ variant: ImageVariant) -> [String] { [] }

    func build(_ variant: ImageVariant, _ work: VariantWork) async throws -> VariantProduct {
        var files: [String: String] = [:]
        for output in variant.outputs {
            work.activity(output.name)
            let path = try await lastLine(
                ["nix-build", "--no-out-link", try file(variant), "-A", try attribute(output, variant)], variant, work)
            files[output.name] = Folder.isDirectory(path) ? try output.locate(in: path) : path
        }
        return VariantProduct(files: files, builderDigest: try await lastLine(["nix-build", "--version"], variant, nil))
    }

    private func lastLine(_ command: [String], _ variant: ImageVariant, _ work: VariantWork?) async throws -> String {
        let outcome = try await ToolRunner(tools: tools, log: work?.log).outcome(command, in: variant.folder) { line in
            work?.alive()
            if line.contains("building '") { work?.activity(line) }
        }
        guard outcome.succeeded, let line = outcome.tail.last(where: { $0.hasPrefix("/") || command.contains("--version") }) else {
            throw ToolRunner.problem(command, outcome)
        }
        return line
    }

    private func file(_ variant: ImageVariant) throws(Problem) -> String { variant.path(try variant.setting("file")) }

    private func attribute(_ output: ImageOutput, _ variant: ImageVariant) throws(Problem) -> String {
        try variant.setting("attribute.\(output.name)")
    }
}
