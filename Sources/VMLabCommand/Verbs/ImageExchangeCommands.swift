import ArgumentParser
import BuildRegistry
import LabEvents

/// `vmlab image export`.
struct ImageExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write registered images into one tar archive, for the registry of another machine or CI job.")

    @Argument(help: ArgumentHelp("The archive.", valueName: "file"))
    var file: String

    @Argument(help: "Variants, or parts of names; all without any.")
    var variants: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let images = try await RegistryText.images(variants)
        try await ImageRegistry().export(images, to: file)
        if json { return Terminal.print(try Terminal.json(images)) }
        for image in images { Terminal.print("\(image.variant) \(image.digest)") }
    }
}

/// `vmlab image import`.
struct ImageImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Register the images of an archive that `vmlab image export` wrote; every byte is verified first.")

    @Argument(help: ArgumentHelp("The archive.", valueName: "file"))
    var file: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let outcomes = try await ImageRegistry().import(file) { RegistryText.waiting($0) }
        if json { return Terminal.print(try Terminal.json(outcomes)) }
        for outcome in outcomes { RegistryText.show(outcome) }
    }
}
