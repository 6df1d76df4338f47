import ArgumentParser
import BuildRegistry
import LabEvents

/// `vmlab image verify`.
struct ImageVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read every byte of registered images and compare them with the index.",
        discussion: "Exit codes: 0 all is well, 1 something is damaged.")

    @Argument(help: "Variants, or parts of names; all without any.")
    var variants: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let ids = variants.isEmpty ? nil : Set(try await RegistryText.images(variants).map(\.variant))
        let found = try await ImageRegistry().verify(ids) { Terminal.transient("\($0.variant)#\($0.generation) …") }
        Terminal.clear()
        if json {
            Terminal.print(try Terminal.json(found))
        } else {
            Terminal.print("\(found.images) images, \(found.files) files, \(found.bytes >> 20) MiB: \(found.faults.count) damaged")
        }
        guard let first = found.faults.first else { return }
        let lines = found.faults.map { [$0.image, $0.artifact, $0.path].compactMap { $0 }.joined(separator: " ") + ": \($0.reason)" }
        let id = first.image?.split(separator: "#").first.map { String($0) }
        throw Problem(
            .failure, "the registry is damaged", location: ImageRegistry().folder, why: lines.joined(separator: "\n"),
            remedy: id.map { "register again what is damaged: vmlab image build --variant \($0)" }
                ?? "move this folder away, then import an export (`vmlab image import`) or build the images again")
    }
}

/// `vmlab image gc`.
struct ImageCollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Remove older generations from the registry, and what no image names.",
        discussion: "Generations on whose disks a machine runs stay, as does what a registration is just working on.")

    @Option(help: "How many generations of each variant stay.")
    var keep = 1

    @Flag(help: "Say only what would be removed.")
    var dryRun = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if keep < 1 { throw ValidationError("--keep \(keep): at least the newest generation stays") }
    }

    func run() async throws {
        let found = try await ImageRegistry().collect(keeping: keep, isDryRun: dryRun)
        if json { return Terminal.print(try Terminal.json(found)) }
        for name in found.generations { Terminal.print("\(dryRun ? "would remove" : "removed") \(name)") }
        for name in found.inUse { Terminal.print("in use: \(name)") }
        Terminal.print(
            "\(found.generations.count) generations, \(found.objects.count) files, \(found.unfinished) unfinished registrations: \(found.bytes >> 20) MiB"
        )
    }
}
