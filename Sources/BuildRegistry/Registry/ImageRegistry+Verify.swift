import Glibc
import LabEvents

/// What a verification found.
public struct RegistryVerification: Sendable, Codable, Equatable {
    /// How many images were looked at, older generations included.
    public var images = 0
    /// How many files were read.
    public var files = 0
    /// Their bytes.
    public var bytes: Int64 = 0
    /// What is wrong; empty when all is well.
    public var faults: [Fault] = []

    /// Something that is wrong.
    public struct Fault: Sendable, Codable, Equatable {
        /// The image, `ID#GENERATION`; nil for what concerns all.
        public var image: String?
        /// The artifact's name.
        public var artifact: String?
        /// The file.
        public var path: String
        /// What is wrong with it.
        public var reason: String
    }
}

extension ImageRegistry {
    /// Reads every byte of the registry's images and compares them with the index.
    ///
    /// - Parameters:
    ///   - ids: the variants to look at; nil for all.
    ///   - progress: called with each image before it is read.
    /// - Throws: ``Problem`` when the index cannot be read; `CancellationError`. What is wrong with files is in the result.
    @concurrent
    public func verify(
        _ ids: Set<String>? = nil, progress: @Sendable (RegisteredImage) -> Void = { _ in }
    ) async throws -> RegistryVerification {
        var verification = RegistryVerification()
        guard Folder.exists(indexFile) else { return verification }
        let index = try RegistryIndex(indexFile)
        verification.faults = try await index.faults().map { .init(path: indexFile, reason: $0) }
        var seen: [String: String?] = [:]
        for image in try await index.all() where ids?.contains(image.variant) ?? true {
            progress(image)
            verification.images += 1
            let files = image.artifacts.map { ($0.name, $0.sha256, Optional($0.bytes)) } + (image.log.map { [("log", $0, nil)] } ?? [])
            for (name, sha256, bytes) in files {
                if seen[sha256] == nil {
                    seen[sha256] = try await fault(sha256, bytes)
                    verification.files += 1
                    verification.bytes += Folder.size(object(sha256)) ?? 0
                }
                guard let reason = seen[sha256] ?? nil else { continue }
                // A collection may have removed the image meanwhile.
                guard try await index.generations(of: image.variant).contains(image) else { break }
                verification.faults.append(
                    .init(image: "\(image.variant)#\(image.generation)", artifact: name, path: object(sha256), reason: reason))
            }
        }
        return verification
    }

    private func fault(_ sha256: String, _ bytes: Int64?) async throws -> String? {
        let path = object(sha256)
        var status = stat()
        guard lstat(path, &status) == 0 else { return "the file is missing" }
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is not a file" }
        if let bytes, bytes != Int64(status.st_size) { return "it has \(status.st_size) bytes instead of \(bytes)" }
        let digest = try await BlockingCall.run { try ArtifactCopy.digest(of: path, $0) }
        guard digest.sha256 == sha256 else { return "it has the SHA-256 \(digest.sha256)" }
        return status.st_mode & 0o222 == 0 ? nil : "it can be written to (mode \(String(status.st_mode & 0o777, radix: 8)))"
    }
}
