import FoundationEssentials
import Glibc
import LabEvents
import SystemPackage

/// What `manifest.json` in an export says.
struct RegistryExport: Codable {
    /// The version of this form; 1.
    var format: Int
    var images: [RegisteredImage]

    static let manifest = "manifest.json"
}

extension ImageRegistry {
    /// Writes images with their files and logs into one tar archive, for another machine's registry.
    ///
    /// - Parameters:
    ///   - images: which; see ``images()``.
    ///   - path: the archive, which appears whole or not at all; an existing file is replaced.
    /// - Throws: ``Problem``: a file of the store is damaged, or the archive cannot be written (`disk-full`).
    @concurrent
    public func export(_ images: [RegisteredImage], to path: String) async throws {
        try tools.require(["tar"], for: "an export")
        guard !images.isEmpty else {
            throw Problem(
                .invalidInput, "there is nothing to export", location: folder, why: "no image is registered", remedy: "register some")
        }
        let verification = try await verify(Set(images.map(\.variant)))
        let names = Set(images.map { "\($0.variant)#\($0.generation)" })
        if let fault = verification.faults.first(where: { $0.image.map(names.contains) ?? true }) {
            throw Problem(
                .failure, "the registry's copy of \(fault.image ?? "its index") is damaged", location: fault.path, why: fault.reason,
                remedy: "build and register the image again")
        }
        try await withStaging { staging in
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            let manifest = try encoder.encode(RegistryExport(format: 1, images: images))
            try Folder.write(String(decoding: manifest, as: UTF8.self) + "\n", to: staging + "/" + RegistryExport.manifest)
            let digests = Set(images.flatMap { $0.artifacts.map(\.sha256) + [$0.log].compactMap { $0 } }).sorted()
            let target = Folder.absolute(path)
            let temporary = "\(target).\(getpid()).part"
            defer { Folder.remove(temporary) }
            let command =
                ["tar", "--sparse", "-cf", temporary, "-C", staging, RegistryExport.manifest, "-C", folder]
                + digests.map { "objects/\($0.prefix(2))/\($0)" }
            let outcome = try await ToolRunner(tools: tools).outcome(command)
            guard outcome.succeeded else { throw failure("the export cannot be written", outcome, at: target) }
            try Folder.synchronize(temporary)
            try Folder.rename(temporary, to: target)
        }
    }

    /// Registers the images of an export. Every byte is compared with the digests that the export states, and the rule that no other variant has the
    /// same bytes holds as for any registration. All of it or nothing.
    ///
    /// - Returns: the images, each with its generation here.
    /// - Throws: ``Problem`` when the archive is no export, cut off or damaged, or `disk-full`.
    @concurrent
    public func `import`(_ path: String, waiting: @Sendable (String?) -> Void = { _ in }) async throws -> [RegistrationOutcome] {
        try tools.require(["tar"], for: "an import")
        return try await withStaging { staging in
            let runner = ToolRunner(tools: tools)
            let taken = try await runner.outcome(
                ["tar", "-xf", path, "-C", staging, "--no-same-owner", "--occurrence=1", "--", RegistryExport.manifest])
            guard taken.succeeded else { throw failure("the export cannot be read", taken, at: path) }
            let export = try manifest(staging + "/" + RegistryExport.manifest, path)
            var files: [String: Int64?] = [:]
            for image in export.images {
                for artifact in image.artifacts { files[artifact.sha256] = artifact.bytes }
                if let log = image.log { files.updateValue(nil, forKey: log) }
            }
            let names = files.keys.sorted().map { "objects/\($0.prefix(2))/\($0)" }
            let outcome = try await runner.outcome(["tar", "-xf", path, "-C", staging, "--no-same-owner", "--"] + names)
            guard outcome.succeeded else { throw failure("the export cannot be read", outcome, at: path) }
            var staged: [String: String] = [:]
            for (sha256, bytes) in files.sorted(by: { $0.key < $1.key }) {
                let file = "\(staging)/objects/\(sha256.prefix(2))/\(sha256)"
                try await check(file, sha256, bytes, path)
                staged[sha256] = file
            }
            return try await publish(export.images, staged, waiting: waiting)
        }
    }

    private func manifest(_ file: String, _ path: String) throws(Problem) -> RegistryExport {
        guard let data = FileManager.default.contents(atPath: file),
            let export = try? JSONDecoder().decode(RegistryExport.self, from: data),
            export.format == 1, export.images.allSatisfy(isSound)
        else {
            throw Problem(
                .invalidInput, "this is no export of a registry", location: path, why: "its \(RegistryExport.manifest) is not understood",
                remedy: "write one: vmlab image export FILE")
        }
        return export
    }

    /// Whether names in a manifest are names, not paths to somewhere else.
    private func isSound(_ image: RegisteredImage) -> Bool {
        let digests = image.artifacts.map(\.sha256) + [image.log].compactMap { $0 }
        return (try? VariantName(image.variant).description) == image.variant
            && digests.allSatisfy { $0.count == 64 && $0.allSatisfy { "0123456789abcdef".contains($0) } }
            && image.digest == RegisteredImage.digest(image.artifacts)
    }

    /// Makes sure that a file that was taken out is the one that is meant, and on the disk.
    private func check(_ file: String, _ sha256: String, _ bytes: Int64?, _ path: String) async throws {
        var status = stat()
        guard lstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Problem(.invalidInput, "the export is damaged", location: path, why: "\(sha256) is not a file", remedy: "export again")
        }
        let digest = try await BlockingCall.run { cancellation in
            let digest = try ArtifactCopy.digest(of: file, cancellation)
            guard chmod(file, 0o444) == 0 else { throw Errno(rawValue: errno) }
            try Folder.synchronize(file)
            return digest
        }
        guard digest.sha256 == sha256, bytes == nil || bytes == digest.bytes else {
            throw Problem(
                .invalidInput, "the export is damaged", location: path, why: "\(sha256) has the SHA-256 \(digest.sha256)",
                remedy: "fetch or export it again; nothing was imported")
        }
    }

    private func failure(_ what: String, _ outcome: ToolRunner.Outcome, at path: String) -> Problem {
        let words = outcome.tail.filter { !$0.isEmpty }.suffix(4).joined(separator: "\n")
        if outcome.lacksSpace { return ToolRunner.diskFull(while: "\(what)", at: path, why: words) }
        return Problem(.invalidInput, what, location: path, why: words, remedy: "check the path, its folder and the disk")
    }
}
