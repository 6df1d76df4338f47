import ArgumentParser
import BuildRegistry
import LabEvents

/// `vmlab image register`.
struct ImageRegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Copy the outputs of a variant's build into the registry.",
        discussion: """
            Every output is copied, hashed on the way, and the copy is checked: format, architecture, size, and that no other variant has the same bytes. All \
            of them are registered, or nothing. The same bytes again change nothing; other bytes are a new generation. Register each variant right after \
            its build: where a builder writes one name for several variants, the next build replaces the files.
            """)

    @Argument(help: "The variant; see `vmlab image matrix`.")
    var variant: String

    @Argument(
        help: ArgumentHelp("The file of an output; without any, all are looked for by the variant's patterns.", valueName: "output=file"))
    var files: [String] = []

    @Option(help: ArgumentHelp("Look for the outputs here instead of in the variant's own output folder.", valueName: "folder"))
    var from: String?

    @Option(help: ArgumentHelp("Keep the build's log with the image.", valueName: "file"))
    var log: String?

    @Option(help: ArgumentHelp("The digest of the container that it was built in, for the record.", valueName: "digest"))
    var container: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if from != nil, !files.isEmpty { throw ValidationError("name either each file or, with --from, their folder") }
        for file in files where !file.dropFirst().contains("=") { throw ValidationError("'\(file)' is not OUTPUT=FILE") }
    }

    func run() async throws {
        let variant = try VariantMatrix.standard().variant(named: variant)
        var named: [String: String] = [:]
        for file in files {
            let halves = file.split(separator: "=", maxSplits: 1).map { String($0) }
            named[halves[0]] = halves.count > 1 ? halves[1] : ""
        }
        var provenance = await Provenance.of(variant)
        provenance.container = container
        let registration = ImageRegistration(
            variant: variant, files: files.isEmpty ? try ImageRegistration.files(of: variant, in: from) : named, provenance: provenance,
            log: log)
        let outcome = try await ImageRegistry().register(registration) { RegistryText.waiting($0) }
        if json { return Terminal.print(try Terminal.json(outcome)) }
        RegistryText.show(outcome)
    }
}

/// How images of the registry are shown to people.
enum RegistryText {
    @Sendable static func waiting(_ holder: String?) { Terminal.note("process \(holder ?? "unknown") changes the registry; waiting") }

    /// A line for an image, and one for each of its files.
    static func show(_ outcome: RegistrationOutcome) {
        let image = outcome.image
        Terminal.print("\(image.variant): generation \(image.generation)\(outcome.isUnchanged ? ", as before" : "")")
        for artifact in image.artifacts { Terminal.print("  \(artifact.name) \(artifact.sha256) \(artifact.bytes)") }
    }

    /// The images that names fit; all registered ones without names.
    static func images(_ names: [String]) async throws -> [RegisteredImage] {
        let registry = ImageRegistry()
        guard !names.isEmpty else { return try await registry.images() }
        var images: [RegisteredImage] = []
        for name in names {
            let found = try await registry.images(named: name)
            // What is declared and not registered is told with the command that makes it.
            if found.isEmpty { _ = try await registry.image(try VariantMatrix.standard().variants(named: name)[0].id) }
            images += found.filter { image in !images.contains(image) }
        }
        return images
    }
}
