import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// `vmlab cp`: a file into or out of a node.
struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy a file into or out of a node of a living lab.",
        discussion: "One of SOURCE and DESTINATION is NODE:/PATH. The copy is compared by its SHA-256 and appears whole or not at all.")

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Argument(help: "What is copied.")
    var source: String

    @Argument(help: "Where to; a folder, or a path that ends in /, takes the file under its own name.")
    var destination: String

    @OptionGroup var state: StateOptions

    private struct Place {
        var node: String
        var path: String

        /// Nil for a path on the host: it has no colon, or a slash before it.
        init?(_ word: String) {
            guard let colon = word.firstIndex(of: ":"), !word[..<colon].contains("/"), colon > word.startIndex else { return nil }
            node = String(word[..<colon])
            path = String(word[word.index(after: colon)...])
        }
    }

    func run() async throws {
        var request: ControlRequest
        switch (Place(source), Place(destination)) {
        case (nil, let target?):
            request = ControlRequest(.upload)
            (request.node, request.path, request.local) = (target.node, target.path, Self.absolute(source))
        case (let origin?, nil):
            request = ControlRequest(.download)
            (request.node, request.path, request.local) = (origin.node, origin.path, Self.absolute(destination))
            var isFolder = false
            if FileManager.default.fileExists(atPath: request.local ?? "", isDirectory: &isFolder), isFolder {
                request.local? += "/" + (origin.path.split(separator: "/").last.map(String.init) ?? "file")
            }
        default:
            throw Problem(
                .invalidInput, "one of the two must be in a node, and one on this host", why: "given: \(source) and \(destination)",
                remedy: "write NODE:/PATH for the one in the node")
        }
        let chosen = request
        let reply = try await ControlClient.with(try state.find(run)) { client in try await client.call(chosen) }
        Terminal.print("\(reply.digest ?? "")  \(destination)  \(reply.bytes ?? 0) bytes in \(reply.seconds ?? 0) s")
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
