import ArgumentParser
import Glibc
import LabEvents
import NetworkProfiles

/// `vmlab profile draw`: a picture of what a lab with the profile would have.
struct ProfileDrawCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draw",
        abstract: "Draw what a profile comes to as SVG: switches with their ports and VLANs, nodes with interfaces and addresses.",
        discussion:
            "The picture needs no other file, follows a screen's dark mode and prints in grey. From 25 nodes on each node has one line.")

    @Argument(help: "The name of a profile, or the path of a .yaml file.")
    var profile: String

    @Option(name: .shortAndLong, help: "The file to write; standard output by default.")
    var output: String?

    @Option(help: "The nodes that there are to be, with commas between them; all by default.")
    var nodes: String?

    func run() async throws {
        let profile = try ProfileCatalog.standard().profile(profile)
        let picture = try profile.plan(lab: profile.name, nodes: nodes?.split(separator: ",").map { $0.trimmingSpaces }).drawing()
        guard let output else { return Terminal.write(1, picture) }
        // A picture is for others to read too, so it is an ordinary file.
        guard let file = fopen(output, "w") else { throw Self.writing(output, errno) }
        let count = fwrite(picture, 1, picture.utf8.count, file)
        let code = errno
        guard fclose(file) == 0, count == picture.utf8.count else { throw Self.writing(output, count == picture.utf8.count ? errno : code) }
    }

    private static func writing(_ path: String, _ code: Int32) -> Problem {
        Problem(
            .failure, "the picture cannot be written", location: path, why: String(cString: strerror(code)),
            remedy: "name a file in a folder that exists and may be written to")
    }
}
