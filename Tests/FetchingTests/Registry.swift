import Foundation
import LabEvents
import Synchronization

/// A real registry (Debian's docker-registry) on a port of its own of the loopback, which asks for a login, with an image in it.
final class Registry: Sendable {
    static let user = "planted-user"
    static let password = "planted-Zx81-secret"
    /// ``password`` by bcrypt, which is the one form that the registry takes.
    private static let hash = "$2b$05$abcdefghijklmnopqrstuuDv.g.mCr1FLOqHqESTcoMKWWoQC12uu"

    /// Its program: on PATH, else where `ci/setup` puts it.
    static var program: String? {
        let own = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../.build/tools/usr/bin/docker-registry")
            .standardized.path
        return (try? HostTool(name: "docker-registry", package: "docker-registry").locate())
            ?? (FileManager.default.isExecutableFile(atPath: own) ? own : nil)
    }

    let port: Int
    let image: Image
    private let child: ChildProcess

    private struct Failure: Error { var what: String }

    /// Starts it with an image of three layers. Ends with ``end()``.
    static func start(in folder: String, layer: Int = 200_000) async throws -> Registry {
        guard let program else { throw Failure(what: "no docker-registry") }
        let storage = folder + "/registry"
        let image = try Image(in: storage, layer: layer)
        let log = folder + "/registry.log"
        try "\(user):\(hash)\n".write(toFile: folder + "/htpasswd", atomically: true, encoding: .utf8)
        try """
        version: 0.1
        log: {level: info, accesslog: {disabled: true}}
        storage: {filesystem: {rootdirectory: "\(storage)"}}
        auth: {htpasswd: {realm: test, path: "\(folder)/htpasswd"}}
        http: {addr: "127.0.0.1:0", secret: test, relativeurls: true}
        """.write(toFile: folder + "/registry.yml", atomically: true, encoding: .utf8)
        let null = try FileHandle(forReadingFrom: URL(filePath: "/dev/null"))
        let child = try ChildProcess.start([program, "serve", folder + "/registry.yml"], input: null.fileDescriptor, log: log)
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, child.exit == nil {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if let match = text.firstMatch(of: /listening on 127\.0\.0\.1:([0-9]+)/), let port = Int(match.1) {
                return Registry(port: port, image: image, child: child)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        await child.end()
        throw Failure(what: "docker-registry: \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
    }

    private init(port: Int, image: Image, child: ChildProcess) { (self.port, self.image, self.child) = (port, image, child) }

    func end() async { await child.end() }

    /// The variables with the login for a port.
    static func login(_ port: Int) -> [String: String] {
        ["VMLAB_REGISTRY_127_0_0_1_\(port)_USER": user, "VMLAB_REGISTRY_127_0_0_1_\(port)_PASSWORD": password]
    }

    func source(_ port: Int? = nil) -> String { "docker://127.0.0.1:\(port ?? self.port)/team/app@sha256:\(image.manifest)" }
}

/// An image, written to a registry's storage as the registry itself does (docker/distribution, `registry/storage/paths.go`).
struct Image: Sendable {
    let manifest: String
    let layers: [String]

    /// A layer. skopeo leaves what begins as gzip does as it is.
    static func layer(_ number: UInt64, _ count: Int) -> [UInt8] { [0x1F, 0x8B, 8] + Content(count, seed: number).bytes }

    init(in storage: String, layer: Int) throws {
        let root = storage + "/docker/registry/v2"
        func write(_ bytes: [UInt8], _ path: String) throws {
            let url = URL(filePath: "\(root)/\(path)")
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: url)
        }
        func blob(_ bytes: [UInt8], manifest: Bool = false) throws -> String {
            let digest = Content.sha256(bytes)
            try write(bytes, "blobs/sha256/\(digest.prefix(2))/\(digest)/data")
            let kind = manifest ? "_manifests/revisions" : "_layers"
            try write(Array("sha256:\(digest)".utf8), "repositories/team/app/\(kind)/sha256/\(digest)/link")
            return digest
        }
        func descriptor(_ kind: String, _ digest: String, _ size: Int) -> String {
            #"{"mediaType": "application/vnd.oci.image.\#(kind)", "digest": "sha256:\#(digest)", "size": \#(size)}"#
        }
        layers = try (1...3).map { try blob(Self.layer($0, layer)) }
        let config = Array(
            #"{"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [\#(layers.map { "\"sha256:\($0)\"" }.joined(separator: ", "))]}}"#
                .utf8)
        let parts = layers.map { descriptor("layer.v1.tar+gzip", $0, layer + 3) }.joined(separator: ", ")
        let text =
            #"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": \#(descriptor("config.v1+json", try blob(config), config.count)), "layers": [\#(parts)]}"#
        manifest = try blob(Array(text.utf8), manifest: true)
    }
}
