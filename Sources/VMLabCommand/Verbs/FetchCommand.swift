import ArgumentParser
import Fetching
import LabEvents

/// `vmlab fetch`: a file or an image, with its checksum.
struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Fetch a file by HTTP, or an image from a registry, with its checksum.",
        usage: """
            vmlab fetch https://HOST/PATH --sha256 HEX -o FILE
            vmlab fetch docker://HOST/REPOSITORY@sha256:HEX -o oci:FOLDER
            vmlab fetch docker://HOST/REPOSITORY@sha256:HEX -o oci-archive:FILE
            """,
        discussion: """
            What is interrupted goes on where it was when the same is fetched again. Timeouts, resets, answers 5xx and 429 are tried again for as long as it gets \
            on; a refusal, a wrong checksum and a full disk end it at once, with exit code 3.

            The login of a host comes from VMLAB_REGISTRY_<HOST>_USER and VMLAB_REGISTRY_<HOST>_PASSWORD, where <HOST> is HOST or HOST:PORT in \
            capitals with _ for everything but letters and digits (VMLAB_REGISTRY_DOCKER_IO_USER for Docker Hub); else from ~/.docker/config.json or \
            $DOCKER_CONFIG/config.json and its credential helpers; else there is none. It goes to that host alone, not to one that it redirects to.
            """)

    @Argument(help: "A URL, or an image as docker://HOST/REPOSITORY@sha256:HEX.")
    var source: String

    @Option(help: "SHA-256 of the file, or of the image's manifest or index. Required, unless the image's name has it.")
    var sha256: String?

    @Option(name: .shortAndLong, help: "The file; for an image oci:FOLDER or oci-archive:FILE.")
    var output: String

    @Option(help: "The file's length in bytes, where it is known.")
    var bytes: Int64?

    @Option(help: "The image's platform, as OS/ARCHITECTURE[/VARIANT].")
    var platform = "linux/amd64"

    @Option(help: "How many seconds may go by without progress.")
    var patience = 120

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if patience < 1 { throw ValidationError("--patience takes at least 1 second.") }
    }

    func run() async throws {
        let fetcher = Fetcher { event in
            if event.isTransient { Terminal.transient(event.text) } else { Terminal.note(event.text) }
        }
        let result = try await source.hasPrefix("http://") || source.hasPrefix("https://") ? file(fetcher) : image(fetcher)
        if json {
            Terminal.print(try Terminal.json(result))
        } else {
            Terminal.print("\(result.path) sha256:\(result.manifest.map { String($0.dropFirst(7)) } ?? result.sha256)")
        }
    }

    private func file(_ fetcher: Fetcher) async throws -> FetchResult {
        guard !output.hasPrefix("oci:"), !output.hasPrefix("oci-archive:") else {
            throw Problem(
                .invalidInput, "a file does not become an image", location: output, remedy: "give -o FILE, or docker://… to fetch an image")
        }
        guard let sha256 else {
            throw Problem(
                .invalidInput, "what is fetched needs its checksum", why: "--sha256 is missing",
                remedy: "take it from whoever publishes the file: --sha256 HEX")
        }
        return try await fetcher.fetch(
            FetchRequest(url: source, destination: output, sha256: sha256, bytes: bytes, patience: .seconds(patience)))
    }

    private func image(_ fetcher: Fetcher) async throws -> FetchResult {
        guard !source.contains("://") || source.hasPrefix("docker://") else {
            throw Problem(
                .invalidInput, "'\(source.prefix { $0 != "?" })' cannot be fetched", why: "neither http, https nor docker is its scheme",
                remedy: "give https://HOST/PATH for a file, or docker://HOST/REPOSITORY@sha256:HEX for an image")
        }
        let destination: ImageRequest.Destination
        if output.hasPrefix("oci:") {
            destination = .layout(path: String(output.dropFirst(4)))
        } else if output.hasPrefix("oci-archive:") {
            destination = .archive(path: String(output.dropFirst(12)))
        } else {
            throw Problem(
                .invalidInput, "an image needs the form that it is to have", location: output,
                remedy: "give -o oci:\(output) for a folder, or -o oci-archive:\(output) for a tar file")
        }
        return try await fetcher.fetch(
            ImageRequest(source: source, sha256: sha256, destination: destination, platform: platform, patience: .seconds(patience)))
    }
}
