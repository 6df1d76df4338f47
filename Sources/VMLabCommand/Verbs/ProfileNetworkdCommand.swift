import ArgumentParser
import FoundationEssentials
import LabEvents
import NetworkProfiles

/// `vmlab profile networkd`: the files that an image bakes in.
struct ProfileNetworkdCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "networkd", abstract: "Print a node's network as systemd-networkd files, for images that bake it in.",
        discussion: "`vmlab run` makes the network of its guests itself; a guest that has it already is left alone.")

    @Argument(help: "The profile: a name from profiles/, or a file.")
    var profile: String

    @Argument(help: "The node.")
    var node: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write the files to, instead of standard output.", valueName: "folder"))
    var output: String?

    func run() async throws {
        let plan = try ProfileCatalog.standard().profile(profile).plan(lab: "networkd")
        guard let found = plan.node(node) else {
            throw Problem(
                .invalidInput, "the profile \(plan.profile) has no node '\(node)'",
                why: "it has \(plan.nodes.map(\.name).joined(separator: ", "))")
        }
        // Hardware addresses are the lab's, which an image cannot know.
        let files = found.networkdFiles(hardwareAddresses: false)
        guard let output else {
            return Terminal.print(files.map { "# \($0.name)\n\($0.content)" }.joined(separator: "\n"))
        }
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        // systemd-networkd reads them as a user of its own, so they are ordinary files.
        for file in files { try Data(file.content.utf8).write(to: URL(filePath: "\(output)/\(file.name)")) }
        Terminal.note("\(files.count) files in \(output)")
    }
}
