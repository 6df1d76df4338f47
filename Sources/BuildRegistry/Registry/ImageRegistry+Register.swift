public import LabEvents

/// What a builder hands over: the files of one variant that it has just made.
public struct ImageRegistration: Sendable {
    /// The variant.
    public var variant: ImageVariant
    /// The path of each output's file, by the output's name.
    public var files: [String: String]
    /// Where they come from.
    public var provenance: Provenance
    /// The path of the build's log, which is kept with the image.
    public var log: String?

    /// A registration from its parts.
    public init(variant: ImageVariant, files: [String: String], provenance: Provenance, log: String? = nil) {
        self.variant = variant
        self.files = files
        self.provenance = provenance
        self.log = log
    }

    /// The registration of what lies in the folder of a variant's outputs.
    ///
    /// - Parameter folder: where the outputs lie; nil for ``ImageVariant/outputFolder``.
    /// - Throws: ``Problem`` when an output is missing, or several files can be it.
    public static func files(of variant: ImageVariant, in folder: String? = nil) throws(Problem) -> [String: String] {
        guard let folder = folder ?? variant.outputFolder else {
            throw Problem(
                .invalidInput, "\(variant.id) has no output folder", location: variant.source,
                why: "its builder is told where to leave the files", remedy: "name the folder with the files, or each file")
        }
        var files: [String: String] = [:]
        for output in variant.outputs { files[output.name] = try output.locate(in: folder) }
        return files
    }
}

/// What came of a registration.
public struct RegistrationOutcome: Sendable, Codable, Equatable {
    /// The image that the variant has now.
    public var image: RegisteredImage
    /// Whether the variant had just these files before, and nothing was changed.
    public var isUnchanged: Bool
}

extension ImageRegistry {
    /// Copies the files of a variant into the store, checks the copies and makes them the variant's newest generation: all of it or nothing.
    ///
    /// - Parameter waiting: called with the process id of whoever changes the registry just now.
    /// - Throws: ``Problem``: an output is missing, unexpected, or not what it must be (format, architecture, size); another variant has the same
    ///   bytes; `disk-full`. `CancellationError`. The registry is then as before.
    @concurrent
    public func register(
        _ registration: ImageRegistration, waiting: @Sendable (String?) -> Void = { _ in }
    ) async throws -> RegistrationOutcome {
        let variant = registration.variant
        try checkNames(registration)
        return try await withStaging { folder in
            let inspection = ArtifactInspection(variant: variant, tools: tools, scratch: folder)
            var artifacts: [RegisteredImage.Artifact] = []
            var staged: [String: String] = [:]
            var firmwares: [BootMode] = []
            for output in variant.outputs {
                let source = registration.files[output.name] ?? ""
                let path = "\(folder)/output-\(output.name)"
                let copy = try await BlockingCall.run { try ArtifactCopy.copy(source, to: path, $0) }
                let finding = try await inspection.inspect(output, path, source: source)
                if firmwares.isEmpty { firmwares = finding.firmwares }
                staged[copy.sha256] = path
                artifacts.append(
                    .init(
                        name: output.name, format: output.format, sha256: copy.sha256, bytes: copy.bytes,
                        virtualBytes: finding.virtualBytes,
                        shared: output.shared))
            }
            var log: String?
            if let source = registration.log {
                let copy = try await BlockingCall.run { try ArtifactCopy.copy(source, to: folder + "/log", $0) }
                staged[copy.sha256] = folder + "/log"
                log = copy.sha256
            }
            let image = RegisteredImage(
                variant: variant.id, generation: 0, digest: RegisteredImage.digest(artifacts),
                firmwares: RegisteredImage.firmwares(variant, artifacts, disk: firmwares), guest: variant.guest,
                provenance: registration.provenance, log: log, artifacts: artifacts)
            return try await publish([image], staged, waiting: waiting)[0]
        }
    }

    /// Moves files into the store and names them in the index. `staged` has the path of each file by its digest, within the registry's folder and
    /// safe on the disk.
    func publish(
        _ images: [RegisteredImage], _ staged: [String: String], waiting: (String?) -> Void
    ) async throws -> [RegistrationOutcome] {
        try await withLock(waiting: waiting) {
            let index = try RegistryIndex(indexFile, isMaking: true)
            var (outcomes, fresh): ([RegistrationOutcome], [RegisteredImage]) = ([], [])
            for image in images {
                try await checkDigests(of: image, index)
                try checkDigests(of: image, among: fresh)
                let current = try await index.generations(of: image.variant).first
                if let current, current.artifacts == image.artifacts, current.artifacts.allSatisfy({ damage($0) == nil }) {
                    outcomes.append(RegistrationOutcome(image: current, isUnchanged: true))
                } else {
                    fresh.append(image)
                }
            }
            guard !fresh.isEmpty else { return outcomes }
            var folders: Set<String> = [objects]
            for (sha256, path) in staged {
                let folder = Folder.parent(object(sha256))
                try Folder.create(folder)
                folders.insert(folder)
                // Over one that is there already: the bytes are the same, unless that one is damaged.
                try Folder.rename(path, to: object(sha256))
            }
            for folder in folders { try Folder.synchronize(folder) }
            try Folder.synchronize(self.folder)
            try Task.checkCancellation()
            return outcomes + (try await index.insert(fresh)).map { RegistrationOutcome(image: $0, isUnchanged: false) }
        }
    }

    private func checkNames(_ registration: ImageRegistration) throws(Problem) {
        let (variant, names) = (registration.variant, registration.variant.outputs.map(\.name))
        for name in names where registration.files[name] == nil {
            throw Problem(
                .failure, "\(variant.id): the output '\(name)' is missing",
                why: "the variant's outputs are \(names.joined(separator: ", "))",
                remedy: "name a file for it: \(name)=FILE")
        }
        for name in registration.files.keys.sorted() where !names.contains(name) {
            throw Problem(
                .invalidInput, "\(variant.id) has no output '\(name)'", location: variant.source,
                why: "its outputs are \(names.joined(separator: ", "))", remedy: "correct the name, or declare it")
        }
    }

    private func checkDigests(of image: RegisteredImage, _ index: RegistryIndex) async throws {
        try checkDigests(of: image, among: try await index.others(with: image.artifacts.map(\.sha256), than: image.variant))
    }

    /// No other variant may have the same bytes, unless both say so.
    private func checkDigests(of image: RegisteredImage, among others: [RegisteredImage]) throws(Problem) {
        for other in others where other.variant != image.variant {
            for artifact in image.artifacts {
                guard let same = other.artifacts.first(where: { $0.sha256 == artifact.sha256 }),
                    !Self.mayShare(artifact, image.variant, same, other.variant)
                else { continue }
                throw Problem(
                    .failure, "\(image.variant): the output '\(artifact.name)' is another variant's", location: artifact.sha256,
                    why:
                        "\(other.variant) has the same bytes as '\(same.name)' (generation \(other.generation), from \(other.provenance.registeredAt))",
                    remedy: """
                        a builder that writes one file name for several variants does that (FM-3), and either can be the wrong one: build and register both, \
                        one after the other; if they are meant to be equal, declare `shared` for the output
                        """)
            }
        }
    }

    /// Whether two artifacts of different variants may be equal: both are declared shared, and the variants agree in the axes that either names.
    private static func mayShare(
        _ one: RegisteredImage.Artifact, _ variant: String, _ other: RegisteredImage.Artifact, _ otherVariant: String
    ) -> Bool {
        guard let shared = one.shared, let otherShared = other.shared, let axes = try? VariantName(variant).axes,
            let otherAxes = try? VariantName(otherVariant).axes
        else { return false }
        return (shared + otherShared).allSatisfy { axes[$0] == otherAxes[$0] }
    }
}
