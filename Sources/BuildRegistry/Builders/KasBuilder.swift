import FoundationEssentials
import LabEvents

/// ISAR through kas: `kas-container --isar build A.yml:B.yml:…`, or plain `kas build …` where that is what there is.
///
/// Settings: `workFolder`, kas's work folder (`KAS_WORK_DIR`), relative to the file that declares the variant, default its folder; bitbake works
/// in `build` below it. `engine`: `kas-container`, `kas`, or `auto` (default): kas-container where it and a container engine are there.
/// `again`: what bitbake is told when it sees nothing to do though its outputs are wanted (``VariantWork/isForced``), default
/// `-C rootfs_install`: that task of the target and all that follow it.
///
/// kas is run in the folder of the declaration. Downloads and state cache lie in `DL_DIR` and `SSTATE_DIR`, or in the image cache, in either case in
/// a folder of the architecture: a cache that several share without it has served binaries of the wrong one (FM-7).
///
/// Sources: kas's manual, "Command line usage" and "Environment variables"; ISAR's user manual.
struct KasBuilder: VariantBuilding {
    let tools: HostTools
    /// The cache of this host, where downloads lie unless the environment says otherwise.
    let cache: String
    /// Chain files behind the variant's own, absolute paths: a product's layers.
    var extraFiles: [String] = []
    var environment = ProcessInfo.processInfo.environment

    private static let settings: Set<String> = ["workFolder", "engine", "again"]

    func check(_ variant: ImageVariant) async throws {
        try variant.checkSettings(Self.settings)
        for file in files(variant) where !Folder.exists(file) {
            throw Problem(
                .invalidInput, "\(variant.id): a file of its kas chain is missing", location: file,
                why: "the chain is declared at \(variant.source)",
                remedy: "write it, or correct the chain")
        }
        _ = try engine(variant)
    }

    func inputs(_ variant: ImageVariant) async throws -> [String: String] {
        var inputs: [String: String] = [:]
        for (name, file) in zip(variant.chain + extraFiles, files(variant)) { inputs["chain \(name)"] = try Digest.sha256(ofFile: file) }
        // Recipes and the files that chain files include lie beside them.
        for folder in Set(
            variant.chain.compactMap { $0.split(separator: "/").count > 1 ? $0.split(separator: "/").first.map(String.init) : nil }
        ).sorted() {
            inputs["folder \(folder)"] = try await SourceTree(tools: tools).digest(of: variant.path(folder))
        }
        inputs["order"] = (variant.chain + extraFiles).joined(separator: ":")
        let (_, version) = try await version(engine(variant))
        inputs["engine"] = version
        return inputs
    }

    func exclusive(_ variant: ImageVariant) -> [String] { [work(variant), variant.outputFolder].compactMap { $0 } }

    func build(_ variant: ImageVariant, _ work: VariantWork) async throws -> VariantProduct {
        let engine = try engine(variant)
        let (program, _) = try await version(engine)
        var command = engine.command + ["build", files(variant).map { relative($0, to: variant.folder) }.joined(separator: ":")]
        if work.isForced { command += ["--"] + (variant.settings["again"] ?? "-C rootfs_install").split(separator: " ").map(String.init) }
        let folder = self.work(variant)
        var variables = ["KAS_WORK_DIR": folder]
        for (name, place) in [("DL_DIR", "downloads"), ("SSTATE_DIR", "sstate")] {
            let path = "\(environment[name] ?? "\(cache)/kas/\(place)")/\(variant[.arch])"
            try Folder.create(path)
            variables[name] = path
        }
        try Folder.create(folder)
        let activity = work.activity
        let outcome = try await ToolRunner(tools: tools, log: work.log).outcome(
            work.holding(command), environment: variables, in: variant.folder
        ) {
            line in
            work.alive()
            if let task = BitbakeTask(line: line) { activity(task.description) }
        }
        guard outcome.succeeded else { throw ToolRunner.problem(command, outcome) }
        return VariantProduct(
            folder: variant.outputFolder ?? folder, builderDigest: program, container: try await container(engine))
    }

    // MARK: Engines

    private struct Engine {
        var command: [String]
        /// `docker` or `podman`.
        var container: String?
    }

    private func engine(_ variant: ImageVariant) throws(Problem) -> Engine {
        let wanted = variant.settings["engine"] ?? "auto"
        guard ["auto", "kas", "kas-container"].contains(wanted) else {
            throw Problem(
                .invalidInput, "\(variant.id): unknown engine '\(wanted)'", location: variant.source,
                remedy: "use kas-container, kas or auto")
        }
        // As kas-container chooses: what the variable says, else docker, else podman.
        let container = [environment["KAS_CONTAINER_ENGINE"] ?? "", "docker", "podman"].first { !$0.isEmpty && tools.find($0) != nil }
        if wanted != "kas", tools.find("kas-container") != nil, let container {
            return Engine(command: ["kas-container", "--isar"], container: container)
        }
        if wanted != "kas-container", tools.find("kas") != nil { return Engine(command: ["kas"]) }
        let missing = wanted == "kas" ? "kas" : tools.find("kas-container") == nil ? "kas-container" : "docker or podman"
        throw .environment(
            .toolMissing, "building ISAR images needs kas, and \(missing) is not here",
            location: "PATH=\(tools.searchPath.joined(separator: ":"))",
            remedy: "pip install kas; for builds in its container also docker or podman, and kas-container from the same release")
    }

    /// The engine's program with its digest, and what it says its version is.
    private func version(_ engine: Engine) async throws -> (program: String, version: String) {
        let name = engine.command.first ?? "kas"
        let outcome = try await ToolRunner(tools: tools).outcome([name, "--version"])
        let said = outcome.tail.first { !$0.isEmpty } ?? "unknown"
        let digest = tools.find(name).flatMap { try? Digest.sha256(ofFile: $0) } ?? ""
        return ("\(said) (\(name) \(digest.prefix(12)))", said)
    }

    /// The digest of the image that kas-container runs, as far as the engine knows it.
    private func container(_ engine: Engine) async throws -> String? {
        guard let program = engine.container else { return nil }
        let reference = environment["KAS_CONTAINER_IMAGE"] ?? "*/*/kas-isar"
        let list = ["images", "--no-trunc", "--filter", "reference=\(reference)", "--format", "{{.ID}}"]
        let outcome = try await ToolRunner(tools: tools).outcome([program] + list)
        return outcome.succeeded ? outcome.tail.first { !$0.isEmpty } : nil
    }

    private func files(_ variant: ImageVariant) -> [String] { variant.chain.map { variant.path($0) } + extraFiles }

    private func work(_ variant: ImageVariant) -> String { variant.path(variant.settings["workFolder"] ?? ".") }

    private func relative(_ path: String, to folder: String) -> String {
        path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
    }
}

/// A task that bitbake has begun, from the line in which it says so (`bb.runqueue`): `NOTE: Running task 45 of 113 (PATH/RECIPE.bb:do_TASK)`.
struct BitbakeTask: Equatable, CustomStringConvertible {
    var number: Int
    var count: Int
    var recipe: String
    var task: String
    /// Whether it takes a result from the state cache.
    var isFromCache: Bool

    init?(line: String) {
        guard
            let match = line.firstMatch(
                of: /Running (setscene |noexec )?task (\d+) of (\d+) \((?:[^()]*\/)?([^\/()]+?)(?:\.bb)?:do_([a-z0-9_]+)\)/),
            let number = Int(match.2), let count = Int(match.3)
        else { return nil }
        (self.number, self.count) = (number, count)
        (recipe, task) = (String(match.4), String(match.5))
        isFromCache = match.1 == "setscene "
    }

    var description: String { "\(number) of \(count): \(task) of \(recipe)\(isFromCache ? " (state cache)" : "")" }
}
