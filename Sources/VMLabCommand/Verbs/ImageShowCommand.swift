import ArgumentParser
import BuildRegistry
import LabEvents

/// `vmlab image show`.
struct ImageShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what is registered: all images, or one with its files and where they come from.")

    @Argument(help: "A variant, or part of its name.")
    var variant: String?

    @Option(help: "An older generation.")
    var generation: Int?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if generation != nil, variant == nil { throw ValidationError("--generation is for one variant") }
    }

    func run() async throws {
        var images = try await RegistryText.images([variant].compactMap { $0 })
        if let generation {
            guard images.count == 1 else {
                throw ValidationError("'\(variant ?? "")' fits \(images.count) images; --generation is for one")
            }
            images = [try await ImageRegistry().image(images[0].variant, generation: generation)]
        }
        if json { return Terminal.print(try Terminal.json(images)) }
        if variant != nil, images.count == 1 { return show(images[0]) }
        var rows = [["VARIANT", "GENERATION", "SIZE", "REGISTERED", "DIGEST"]]
        for image in images {
            rows.append([
                image.variant, "\(image.generation)", "\(image.bytes >> 20) MiB", image.provenance.registeredAt,
                String(image.digest.prefix(12)),
            ])
        }
        Terminal.table(rows)
    }

    private func show(_ image: RegisteredImage) {
        let (origin, registry) = (image.provenance, ImageRegistry())
        var rows = [["variant", image.variant], ["generation", "\(image.generation)"], ["digest", image.digest]]
        rows.append(["boots by", image.firmwares.isEmpty ? "no lab boots it" : image.firmwares.map(\.rawValue).joined(separator: ", ")])
        let builder = [origin.builder, origin.builderDigest, origin.container.map { "in \($0)" }].compactMap { $0 }
        rows.append(["builder", builder.joined(separator: " ")])
        if !origin.chain.isEmpty { rows.append(["chain", origin.chain.joined(separator: ":")]) }
        rows.append(["sources", origin.revision.map { $0 + (origin.isDirty == true ? ", changed since" : "") } ?? "in no git repository"])
        rows.append(["registered", "\(origin.registeredAt) on \(origin.host)"])
        if let seconds = origin.buildSeconds { rows.append(["built in", BuildProgress.seconds(seconds)]) }
        if let log = image.log { rows.append(["log", registry.object(log)]) }
        for artifact in image.artifacts { rows.append([artifact.name, "\(artifact.bytes) bytes, \(registry.object(artifact.sha256))"]) }
        Terminal.table(rows)
    }
}
