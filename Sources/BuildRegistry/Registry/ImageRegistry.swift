import FoundationEssentials
import LabEvents

/// The images that were registered: files by their SHA-256, and an index that says which variant has which, and where they come from.
///
/// Layout, beside the image cache (``ImageStore/defaultCache(environment:)``): `registry/objects/ab/abcdef…`, read-only, never changed;
/// `registry/index.sqlite`; `registry/staging/RANDOM/`, what a registration has not finished, with the file `lock` that it holds;
/// `registry/lock`, held by whoever changes index and objects.
///
/// A registration writes files first, then one transaction, so that a crash leaves files that nobody names, which ``collect(keeping:isDryRun:)``
/// removes, and never a name without its files. Any number of processes may use it at once.
public struct ImageRegistry: Sendable {
    /// Its folder, an absolute path.
    public let folder: String
    let tools: HostTools

    /// The registry beside the image cache in `cache`.
    public init(cache: String = ImageStore.defaultCache()) { self.init(cache: cache, tools: HostTools()) }

    init(cache: String, tools: HostTools) {
        self.folder = Folder.absolute(cache) + "/registry"
        self.tools = tools
    }

    /// The path of a file in the store, whether or not it is there.
    public func object(_ sha256: String) -> String { "\(objects)/\(sha256.prefix(2))/\(sha256)" }

    /// The newest generation of every variant, sorted by id.
    ///
    /// - Throws: ``Problem`` when the index cannot be read.
    @concurrent
    public func images() async throws -> [RegisteredImage] {
        guard Folder.exists(indexFile) else { return [] }
        return try await RegistryIndex(indexFile).newest()
    }

    /// All generations of a variant, the newest first; none when it was never registered.
    @concurrent
    public func generations(of id: String) async throws -> [RegisteredImage] {
        guard Folder.exists(indexFile) else { return [] }
        return try await RegistryIndex(indexFile).generations(of: id)
    }

    /// A registered image.
    ///
    /// - Parameter generation: which; nil for the newest.
    /// - Throws: ``Problem`` of kind `invalidInput`, with the command that makes it, when there is none.
    @concurrent
    public func image(_ id: String, generation: Int? = nil) async throws -> RegisteredImage {
        let all = try await generations(of: id)
        if let found = all.first(where: { generation == nil || $0.generation == generation }) { return found }
        let known = all.map { "\($0.generation)" }.joined(separator: ", ")
        throw Problem(
            .invalidInput, generation.map { "\(id) has no generation \($0)" } ?? "\(id) is not registered", location: folder,
            why: all.isEmpty ? nil : "there are the generations \(known)",
            remedy: all.isEmpty ? ImageVariant.buildCommand(id) : "name one of these")
    }

    /// The id of the variant that a name fits: of the matrix's, and where it has none such of those that are registered.
    ///
    /// - Parameter matrix: what is declared; nil where nothing is.
    /// - Throws: ``Problem`` of kind `invalidInput`: the name has another form, or fits none or several.
    @concurrent
    public func resolve(_ text: String, in matrix: VariantMatrix?) async throws -> String {
        let name = try VariantName(text)
        if let matrix, matrix.variants.contains(where: { name.matches($0.axes) }) { return try matrix.variant(named: text).id }
        let found = try await images(named: text).map(\.variant)
        if found.count == 1 { return found[0] }
        guard found.isEmpty else {
            throw Problem(
                .invalidInput, "'\(text)' fits \(found.count) registered images", location: folder,
                why: "the candidates are\n" + found.joined(separator: "\n"), remedy: "name one of these")
        }
        guard let matrix else {
            throw Problem(
                .invalidInput, "there is no variant '\(text)'", location: folder,
                why: "it is not registered, and no variants.yaml was found",
                remedy: "set VMLAB_IMAGES to the folder that declares it")
        }
        return try matrix.variant(named: text).id
    }

    /// The newest generation of the registered variants that a name fits, sorted by id.
    @concurrent
    public func images(named text: String) async throws -> [RegisteredImage] {
        let name = try VariantName(text)
        return try await images().filter { (try? VariantName($0.variant)).map { name.matches($0.axes) } ?? false }
    }

    /// A registered image as something to start a machine from.
    ///
    /// - Parameter digest: the ``RegisteredImage/digest`` of the generation that is wanted; nil for the newest.
    /// - Throws: ``Problem``: none is registered, no lab boots it, or the store has lost a file.
    @concurrent
    public func bootable(_ id: String, digest: String? = nil) async throws -> BootableImage {
        let all = try await generations(of: id)
        guard let image = all.first(where: { digest == nil || $0.digest == digest }) else {
            guard let digest, !all.isEmpty else { return try bootable(try await self.image(id)) }
            throw Problem(
                .invalidInput, "\(id) is not registered with the digest \(digest)", location: folder,
                why: "it was registered anew, and the older one was removed", remedy: "plan again")
        }
        return try bootable(image)
    }

    private func bootable(_ image: RegisteredImage) throws(Problem) -> BootableImage {
        guard !image.firmwares.isEmpty else {
            throw Problem(
                .invalidInput, "no lab can boot \(image.variant)",
                why: "it has \(image.artifacts.map { "\($0.name) (\($0.format.rawValue))" }.joined(separator: ", "))",
                remedy: "name a variant with a disk or a kernel")
        }
        for artifact in image.artifacts {
            if let reason = damage(artifact) {
                throw Problem(
                    .invalidInput, "the registry's copy of \(image.variant) is damaged", location: object(artifact.sha256), why: reason,
                    remedy: "register it again: \(ImageVariant.buildCommand(image.variant))")
            }
        }
        var bootable = BootableImage(
            name: image.variant, commandLine: image.guest.commandLine, firmwares: image.firmwares, consoles: image.guest.consoles,
            defaultMemoryMiB: image.guest.memoryMiB, defaultVCPUs: image.guest.vcpus, digest: image.digest)
        bootable.kernel = image.artifact(.kernel).map { object($0.sha256) }
        bootable.initrd = image.artifact(.initrd).map { object($0.sha256) }
        bootable.disk = image.artifact(.wic, .qcow2).map {
            .init(path: object($0.sha256), format: $0.format == .qcow2 ? .qcow2 : .raw, virtualBytes: $0.virtualBytes ?? $0.bytes)
        }
        return bootable
    }

    /// Why an artifact's file cannot be used, as far as its size tells.
    func damage(_ artifact: RegisteredImage.Artifact) -> String? {
        let bytes = Folder.size(object(artifact.sha256))
        return bytes == artifact.bytes
            ? nil : "the \(artifact.name) has \(bytes.map { "\($0) bytes" } ?? "no file") instead of \(artifact.bytes) bytes"
    }

    var objects: String { folder + "/objects" }
    var staging: String { folder + "/staging" }
    var indexFile: String { folder + "/index.sqlite" }
    private var lockFile: String { folder + "/lock" }

    /// Runs `body` while no other process changes index or objects.
    func withLock<T>(waiting: (String?) -> Void = { _ in }, _ body: () async throws -> T) async throws -> T {
        try await FileLock.withLock(lockFile, runner: ToolRunner(tools: tools), waiting: waiting, body: body)
    }

    /// Runs `body` with a new folder whose lock is held, so that ``collect(keeping:isDryRun:)`` knows that it is in use; gone afterwards.
    func withStaging<T>(_ body: (String) async throws -> T) async throws -> T {
        while true {
            let path = "\(staging)/\(String(UInt64.random(in: .min ... .max), radix: 16))"
            try Folder.create(path)
            defer { Folder.remove(path) }
            let result: T? = try await FileLock.withLock(path + "/lock", runner: ToolRunner(tools: tools), waiting: { _ in }) {
                // A sweep may have come between the making of the folder and the taking of its lock, and have removed both.
                Folder.exists(path + "/lock") ? try await body(path) : nil
            }
            if let result { return result }
        }
    }
}
