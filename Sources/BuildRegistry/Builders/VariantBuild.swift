import FoundationEssentials
import LabEvents

/// Builds variants and registers each right after its build, before another build can touch its files (FM-3).
///
/// For each variant: its programs, files and disk are checked, all before the first build starts; its known outputs are moved away
/// (``OutputsAside``); it is built; what lies in the outputs' places then is checked and registered; when something fails, what was moved away is
/// put back and the other variants go on. Variants that share a folder are never built at once, in this process or others. A variant that the registry
/// has from the same inputs is skipped, so an interrupted run goes on where it was.
public struct VariantBuild: Sendable {
    /// What to do.
    public struct Options: Sendable {
        /// How many builds at once.
        public var jobs = 1
        /// Registers what lies in the output folders, and builds nothing.
        public var isRegisterOnly = false
        /// Says what would be built and why.
        public var isDryRun = false
        /// Builds also what is up to date.
        public var isForced = false
        /// kas files behind those of each chain, for example with a product's layers.
        public var kasFiles: [String] = []
        /// Unmounts 9p file systems for the time of the builds.
        public var unmounts9p = false

        /// One build at a time, nothing forced.
        public init() {}
    }

    let registry: ImageRegistry
    let options: Options
    let cache: String
    let tools: HostTools
    let builders: [ImageVariant.Builder: any VariantBuilding]
    let nineP: NinePMounts
    let progress: @Sendable (VariantBuildEvent) -> Void

    /// Builds into the registry beside the image cache in `cache`.
    ///
    /// - Parameters:
    ///   - catalog: the descriptions of images that are made by mmdebstrap.
    ///   - progress: called from several tasks at once.
    public init(
        catalog: ImageCatalog, cache: String = ImageStore.defaultCache(), options: Options = Options(),
        progress: @escaping @Sendable (VariantBuildEvent) -> Void = { _ in }
    ) {
        self.init(catalog: catalog, cache: cache, options: options, tools: HostTools(), mounts: "/proc/mounts", progress: progress)
    }

    init(
        catalog: ImageCatalog, cache: String, options: Options, tools: HostTools, mounts: String,
        progress: @escaping @Sendable (VariantBuildEvent) -> Void = { _ in }
    ) {
        registry = ImageRegistry(cache: cache, tools: tools)
        self.options = options
        self.cache = Folder.parent(registry.folder)
        self.tools = tools
        self.progress = progress
        nineP = NinePMounts(tools: tools, table: mounts, ledger: Folder.parent(registry.folder) + "/9p-mounts.json")
        builders = [
            .isar: KasBuilder(tools: tools, cache: Folder.parent(registry.folder), extraFiles: options.kasFiles),
            .mmdebstrap: DescriptionBuilder(store: ImageStore(cache: cache), catalog: catalog), .import: ImportBuilder(),
            .nix: NixBuilder(tools: tools), .command: CommandBuilder(tools: tools),
        ]
    }

    /// Builds and registers variants, in their order as far as folders and ``Options/jobs`` allow.
    ///
    /// - Returns: what became of each; also when some failed, or when the task was cancelled.
    /// - Throws: ``Problem`` when something is wrong before the first build: a program, a setting or a file is missing, the disk is too small, a 9p file
    ///   system is mounted. Nothing was built then.
    @concurrent
    public func run(_ variants: [ImageVariant]) async throws -> VariantBuildReport {
        guard !options.isRegisterOnly else { return await registerOnly(variants) }
        for variant in variants { try await builder(variant).check(variant) }
        var (jobs, upToDate): ([Job], [VariantBuildReport.Entry]) = ([], [])
        for variant in variants {
            let inputs = try await inputs(variant)
            if let why = try await reason(variant, inputs) {
                jobs.append(Job(variant: variant, why: why, inputs: inputs))
            } else {
                let image = try await registry.image(variant.id)
                progress(.upToDate(variant: variant.id, generation: image.generation))
                upToDate.append(Self.entry(image, .upToDate))
            }
        }
        if options.isDryRun {
            let wanted = jobs.map { VariantBuildReport.Entry(variant: $0.variant.id, outcome: .wouldBuild, why: $0.why) }
            return Self.report(variants, wanted + upToDate)
        }
        let isByISAR = jobs.contains { $0.variant.builder == .isar }
        if isByISAR, !options.unmounts9p { try nineP.refuse() }
        try checkDisk(jobs.map(\.variant))
        guard isByISAR, options.unmounts9p else { return Self.report(variants, await series(jobs, upToDate: upToDate).variants) }
        return try await nineP.without { Self.report(variants, await series(jobs, upToDate: upToDate).variants) }
    }

    /// Registers what lies in the output folders.
    ///
    /// A file can be one variant's only. Where several of them find the same file, a builder wrote it for the last that it built, and nothing tells which
    /// that was (FM-3): all of them are refused.
    private func registerOnly(_ variants: [ImageVariant]) async -> VariantBuildReport {
        var claims: [String: [String]] = [:]
        for variant in variants {
            let files = (try? ImageRegistration.files(of: variant)) ?? [:]
            for output in variant.outputs where output.shared == nil {
                if let path = files[output.name] { claims[path, default: []].append(variant.id) }
            }
        }
        let clashes = claims.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
        var refused: [VariantBuildReport.Entry] = []
        for variant in variants {
            guard let clash = clashes.first(where: { $0.value.contains(variant.id) }) else { continue }
            let problem = Problem(
                .failure, "\(variant.id): a file cannot be registered for several variants", location: clash.key,
                why: "it is also what \(clash.value.filter { $0 != variant.id }.joined(separator: ", ")) would take (FM-3)",
                remedy: "build and register one after the other: vmlab image build --variant \(variant.id)")
            progress(.failed(variant: variant.id, problem: problem, log: nil))
            refused.append(.init(variant: variant.id, outcome: .failed, problem: problem))
        }
        let jobs = variants.filter { variant in !refused.contains { $0.variant == variant.id } }.map {
            Job(variant: $0, why: "as asked", inputs: nil)
        }
        return Self.report(variants, await series(jobs, upToDate: refused).variants)
    }

    /// One variant that is to be built.
    struct Job: Sendable {
        var variant: ImageVariant
        var why: String
        /// All that decides the result.
        var inputs: [String: String]?
    }

    func builder(_ variant: ImageVariant) throws(Problem) -> any VariantBuilding {
        if let builder = builders[variant.builder] { return builder }
        throw Problem(.invalidInput, "nothing builds \(variant.id)", location: variant.source, remedy: "name another builder")
    }

    static func entry(_ image: RegisteredImage, _ outcome: VariantBuildReport.Outcome) -> VariantBuildReport.Entry {
        VariantBuildReport.Entry(
            variant: image.variant, outcome: outcome, generation: image.generation,
            artifacts: Dictionary(image.artifacts.map { ($0.name, $0.sha256) }, uniquingKeysWith: { first, _ in first }))
    }

    static func report(_ variants: [ImageVariant], _ entries: [VariantBuildReport.Entry]) -> VariantBuildReport {
        VariantBuildReport(
            variants: variants.map { variant in
                entries.first { $0.variant == variant.id } ?? VariantBuildReport.Entry(variant: variant.id, outcome: .notReached)
            })
    }

    // MARK: What is up to date

    private func inputs(_ variant: ImageVariant) async throws -> [String: String] {
        var inputs = try await builder(variant).inputs(variant)
        // Where it is declared does not matter, and a move of the checkout changes nothing.
        var declared = variant
        (declared.source, declared.folder, declared.outputFolder) = ("", "", nil)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        inputs["declaration"] = Digest.sha256(try encoder.encode(declared))
        return inputs
    }

    /// Why a variant must be built; nil when the registry has it from the same inputs.
    private func reason(_ variant: ImageVariant, _ inputs: [String: String]) async throws -> String? {
        guard let newest = try await registry.generations(of: variant.id).first else { return "it is not registered" }
        if let artifact = newest.artifacts.first(where: { registry.damage($0) != nil }) {
            return "the registry's copy is damaged: \(registry.damage(artifact) ?? "")"
        }
        guard let before = newest.provenance.inputs else { return "generation \(newest.generation) was registered without a build" }
        let names = Set(inputs.keys).union(before.keys).sorted()
        let changes = names.filter { inputs[$0] != before[$0] }.map { name in
            before[name] == nil ? "\(name) is new" : inputs[name] == nil ? "\(name) is gone" : "\(name) changed"
        }
        guard changes.isEmpty else { return changes.joined(separator: ", ") }
        return options.isForced ? "as asked; nothing changed" : nil
    }

    // MARK: The disk

    private func checkDisk(_ variants: [ImageVariant]) throws(Problem) {
        for variant in variants {
            let least = variant.outputs.reduce(0) { $0 + $1.bytes.lowerBound }
            try checkDisk(variant, at: registry.folder, needed: least)
            guard let text = variant.settings["diskMiB"] else { continue }
            guard let mebibytes = Int64(text), mebibytes > 0, mebibytes < 1 << 30 else {
                throw Problem(
                    .invalidInput, "\(variant.id): '\(text)' is no size", location: variant.source,
                    remedy: "write `diskMiB` as a whole number of MiB")
            }
            try checkDisk(variant, at: try builder(variant).exclusive(variant).first ?? cache, needed: mebibytes << 20)
        }
    }

    private func checkDisk(_ variant: ImageVariant, at folder: String, needed: Int64) throws(Problem) {
        var existing = folder
        while !Folder.exists(existing), existing != "/" { existing = Folder.parent(existing) }
        guard let free = Folder.freeBytes(existing), free < needed else { return }
        throw ToolRunner.diskFull(
            while: "checking what \(variant.id) needs", at: existing, why: "\(needed >> 20) MiB are needed, \(free >> 20) MiB are free")
    }
}
