import LabEvents

/// Any command. Settings: `command`, for `bash -euo pipefail -c` in the folder of the declaration; `sources`, files and folders that decide the result,
/// relative to that folder and separated by white space.
///
/// It finds the variant in ``ImageVariant/environment`` and leaves its files in `$VMLAB_OUTPUT`: the variant's output folder, or an empty one.
struct CommandBuilder: VariantBuilding {
    let tools: HostTools

    func check(_ variant: ImageVariant) async throws {
        try variant.checkSettings(["command", "sources"])
        _ = try variant.setting("command")
        for source in sources(variant) where !Folder.exists(variant.path(source)) {
            throw Problem(
                .invalidInput, "\(variant.id): one of its sources is missing", location: variant.path(source),
                why: "`sources` is at \(variant.source)", remedy: "correct the path")
        }
        try tools.require(["bash"], for: "building \(variant.id)")
    }

    func inputs(_ variant: ImageVariant) async throws -> [String: String] {
        var inputs = ["command": try variant.setting("command")]
        for source in sources(variant) {
            let path = variant.path(source)
            inputs["source \(source)"] =
                Folder.isDirectory(path) ? try await SourceTree(tools: tools).digest(of: path) : try Digest.sha256(ofFile: path)
        }
        return inputs
    }

    func build(_ variant: ImageVariant, _ work: VariantWork) async throws -> VariantProduct {
        let folder = variant.outputFolder ?? work.scratch
        try Folder.create(folder)
        let command = ["bash", "-euo", "pipefail", "-c", try variant.setting("command")]
        let variables = variant.environment.merging(["VMLAB_OUTPUT": folder]) { $1 }
        let outcome = try await ToolRunner(tools: tools, log: work.log).outcome(
            work.holding(command), environment: variables, in: variant.folder
        ) {
            line in
            work.alive()
            if !line.isEmpty { work.activity(line) }
        }
        guard outcome.succeeded else { throw ToolRunner.problem(command, outcome) }
        return VariantProduct(folder: folder)
    }

    private func sources(_ variant: ImageVariant) -> [String] {
        (variant.settings["sources"] ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    }
}
