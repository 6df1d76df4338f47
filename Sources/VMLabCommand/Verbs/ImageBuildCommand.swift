import ArgumentParser
import BuildRegistry
import FoundationEssentials
import LabEvents

/// `vmlab image build`.
struct ImageBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Make images: those of images/NAME.yaml into the cache, variants of the matrix into the registry.",
        discussion: """
            NAME makes the image of images/NAME.yaml, once: the cache is keyed by everything that decides the result.

            --variant, --machine and --all make variants of images/variants.yaml. Each is checked, built, verified and registered before the next build in the \
            same folder starts, so that a builder that writes one file name for several variants cannot mix them up. A file counts only when this build \
            wrote it. What the registry has from the same inputs is skipped, so the same command goes on after an interruption. A variant that fails keeps \
            none of the others from being built; the exit code is then 1.

            The builder's output is in the log that the first line of a build names. kas keeps downloads and state cache in DL_DIR and SSTATE_DIR, or in the \
            cache, by architecture.
            """)

    @Argument(help: "Names of image descriptions.")
    var names: [String] = []

    @Option(
        help: ArgumentHelp(
            "Build the variants that this name fits; may be given several times. See `vmlab image matrix`.", valueName: "name"))
    var variant: [String] = []

    @Option(help: "Build only variants of this machine; may be given several times.")
    var machine: [String] = []

    @Flag(help: "Build all variants.")
    var all = false

    @Option(help: "How many builds at once, where they share no folder.")
    var jobs = 1

    @Flag(help: "Say what would be built and why, and build nothing.")
    var dryRun = false

    @Flag(help: "Say of every variant why it is built, or that nothing changed.")
    var explain = false

    @Flag(help: "Register what lies in the output folders, and build nothing.")
    var registerOnly = false

    @Flag(help: "Build also what is up to date.")
    var force = false

    @Option(
        help: ArgumentHelp("A kas file behind those of every chain, for example with a product's layers; several times.", valueName: "file")
    )
    var kasFile: [String] = []

    @Flag(name: .customLong("unmount-9p"), help: "Unmount 9p file systems for the time of the builds, and mount them again.")
    var unmount9p = false

    @Flag(help: "Print what became of each variant as JSON.")
    var json = false

    private var wantsVariants: Bool { all || !variant.isEmpty || !machine.isEmpty }

    func validate() throws {
        guard wantsVariants || !names.isEmpty else {
            throw ValidationError("name an image, or variants with --variant, --machine or --all")
        }
        guard wantsVariants != !names.isEmpty else { throw ValidationError("make either images by name or variants") }
        guard wantsVariants || !(dryRun || explain || registerOnly || force || unmount9p || json || !kasFile.isEmpty) else {
            throw ValidationError("these options are for variants: add --variant, --machine or --all")
        }
        guard (1...64).contains(jobs) else { throw ValidationError("--jobs takes a number from 1 to 64") }
        if registerOnly, dryRun || force { throw ValidationError("--register-only builds nothing: leave out --dry-run and --force") }
    }

    func run() async throws {
        let catalog = try ImageCatalog.standard()
        guard wantsVariants else {
            // All names are checked before the first build starts.
            let descriptions = try names.map { name throws(Problem) in try catalog.description(named: name) }
            for description in descriptions {
                let image = try await ImageStore().image(for: description, progress: BuildProgress.show)
                Terminal.print("\(image.name) \(image.digest ?? "")")
            }
            return
        }
        let variants = try chosen(try VariantMatrix.standard(catalog: catalog))
        var options = VariantBuild.Options()
        (options.jobs, options.isRegisterOnly, options.isDryRun, options.isForced) = (jobs, registerOnly, dryRun, force)
        (options.kasFiles, options.unmounts9p) = (kasFile.map(Self.absolute), unmount9p)
        let explains = explain
        let report = try await VariantBuild(catalog: catalog, options: options) { VariantProgress.show($0, explains: explains) }.run(
            variants)
        if json { Terminal.print(try Terminal.json(report)) } else { VariantProgress.table(report) }
        // An interruption has its own exit code.
        try Task.checkCancellation()
        if !report.isComplete { throw ExitCode(1) }
    }

    private func chosen(_ matrix: VariantMatrix) throws -> [ImageVariant] {
        var ids: Set<String> = []
        for name in variant { ids.formUnion(try matrix.variants(named: name).map(\.id)) }
        for name in machine { _ = try matrix.variants(named: "machine=\(name)") }
        let chosen = matrix.variants.filter {
            (variant.isEmpty || ids.contains($0.id)) && (machine.isEmpty || machine.contains($0[.machine]))
        }
        guard chosen.isEmpty else { return chosen }
        throw Problem(
            .invalidInput, "no variant is chosen", location: matrix.file,
            why: "no variant that --variant names is of a machine that --machine names",
            remedy: "`vmlab image matrix` lists them")
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}

/// Shows how variants are built.
enum VariantProgress {
    static func show(_ event: VariantBuildEvent, explains: Bool) {
        switch event {
        case .upToDate(let variant, let generation):
            Terminal.note("\(variant): up to date, generation \(generation)\(explains ? ": all its inputs are as they were" : "")")
        case .waiting(let variant, let holder):
            Terminal.note("\(variant): process \(holder ?? "unknown") builds in the same folder; waiting")
        case .started(let variant, let number, let count, let why, let log):
            Terminal.note("\(variant): [\(number)/\(count)] building, log \(log)")
            if explains { Terminal.note("\(variant): because \(why)") }
        case .activity(let variant, let text): Terminal.transient("\(variant): \(text)")
        case .again(let variant, let missing):
            Terminal.note(
                "\(variant): the builder saw nothing to do, and its outputs are not there (\(missing)); telling it to make them again")
        case .silent(let variant, let seconds, let hint):
            Terminal.note("\(variant): nothing was heard from the builder for \(seconds) s\(hint.map { "; \($0)" } ?? "")")
        case .registered(let variant, let generation, let isUnchanged, let seconds, let bytes, let diskBytes):
            Terminal.note(
                "\(variant): generation \(generation)\(isUnchanged ? ", as before" : ""), \(bytes >> 20) MiB, \(BuildProgress.seconds(seconds)), "
                    + "\(diskBytes >> 20) MiB less free space")
        case .failed(let variant, let problem, let log):
            Terminal.error("\(problem)" + (log.map { "\n  log: \($0) (\(variant))" } ?? ""))
        }
    }

    /// A line for each variant on standard output.
    static func table(_ report: VariantBuildReport) {
        var rows = [["VARIANT", "RESULT", "GENERATION", "SECONDS", "WHY"]]
        for entry in report.variants {
            rows.append([
                entry.variant, entry.outcome.rawValue, entry.generation.map { "\($0)" } ?? "",
                entry.seconds.map { "\(($0 * 10).rounded() / 10)" } ?? "",
                entry.problem?.what ?? entry.why ?? "",
            ])
        }
        Terminal.table(rows)
    }
}
