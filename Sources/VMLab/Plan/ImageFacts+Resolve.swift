public import BuildRegistry
import FoundationEssentials
import Glibc
import LabEvents

extension ImageFacts {
    /// Whether a word that names an image means a file: it has a `/`, or the ending of a disk image.
    public static func isPath(_ word: String) -> Bool {
        word.contains("/") || [".wic", ".raw", ".img", ".qcow2"].contains(where: word.hasSuffix)
    }

    /// Finds out about an image without building it.
    ///
    /// - Parameters:
    ///   - word: the name of a description; else of a variant (``BuildRegistry/VariantName``), which must be registered; or the path of a disk
    ///     image; see ``isPath(_:)``.
    ///   - catalog: where names are looked up; nil for ``BuildRegistry/ImageCatalog/standard(environment:workingDirectory:executable:)``.
    ///   - store: the cache that may have it already; the registry is beside it.
    /// - Throws: a ``Problem`` of kind `invalidInput` when there is no such image or it cannot be booted, for a variant that is not registered with
    ///   the command that makes it; `env: package-sources` when a described image cannot be built on this host.
    public static func resolve(_ word: String, catalog: ImageCatalog? = nil, store: ImageStore = ImageStore()) async throws -> ImageFacts {
        guard isPath(word) else {
            let catalog = try catalog ?? ImageCatalog.standard()
            if let id = try await variant(word, catalog: catalog, cache: store.cache) {
                return registered(try await ImageRegistry(cache: store.cache).bootable(id))
            }
            return try described(try catalog.description(named: word), store: store)
        }
        let image = try await ForeignImage.inspect(word, digesting: false)
        let path = image.disk?.path ?? word
        return ImageFacts(
            name: image.name, key: try identity(of: path), bootModes: image.firmwares, defaultMemoryMiB: image.defaultMemoryMiB,
            defaultVCPUs: image.defaultVCPUs, commandLine: image.commandLine, consoles: image.consoles, file: path, isCached: true)
    }

    /// The id of the variant that a word means; nil for what may be a description's name.
    ///
    /// - Throws: a ``Problem`` when the word has the form of a variant's name and means none, or several.
    public static func variant(_ word: String, catalog: ImageCatalog, cache: String = ImageStore.defaultCache()) async throws -> String? {
        if catalog.names.contains(word) { return nil }
        let matrix = catalog.hasMatrix ? try VariantMatrix.standard(catalog: catalog) : nil
        // A word alone may be meant for a description: where it is no role either, the list of those helps more.
        if !word.contains("@"), !word.contains("=") {
            guard let matrix, matrix.variants.contains(where: { $0[.role] == word }) else { return nil }
        }
        return try await ImageRegistry(cache: cache).resolve(word, in: matrix)
    }

    private static func registered(_ image: BootableImage) -> ImageFacts {
        let parts = ["kernel": image.kernel, "initrd": image.initrd, "disk": image.disk?.path].compactMapValues { $0 }
        return ImageFacts(
            name: image.name, key: "registry:\(image.digest ?? "")", digest: image.digest, bootModes: image.firmwares,
            defaultMemoryMiB: image.defaultMemoryMiB, defaultVCPUs: image.defaultVCPUs, commandLine: image.commandLine,
            consoles: image.consoles, registered: parts.mapValues { String($0.split(separator: "/").last ?? "") }, isCached: true)
    }

    private static func described(_ description: ImageDescription, store: ImageStore) throws -> ImageFacts {
        let key = try store.key(for: description)
        let record = store.list().first { $0.key == key }
        return ImageFacts(
            name: description.name, key: key, digest: record?.digest, bootModes: description.bootModes,
            defaultMemoryMiB: description.memoryMiB, defaultVCPUs: description.vcpus, commandLine: description.kernelCommandLine,
            consoles: description.consoles, isCached: record != nil)
    }

    private static func identity(of path: String) throws(Problem) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Problem(
                .invalidInput, "the disk image went away while it was looked at", location: path, why: String(cString: strerror(errno)))
        }
        return "file:\(path):\(status.st_size):\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    /// The image as it will be once it is built: what a plan shows before that.
    func plannedImage(in folders: LabFolders) -> BootableImage {
        var image = BootableImage(
            name: name, commandLine: commandLine, firmwares: bootModes, consoles: consoles, defaultMemoryMiB: defaultMemoryMiB,
            defaultVCPUs: defaultVCPUs, digest: digest)
        // Format and size of the base are not in QEMU's arguments: they name only the overlay.
        if let file {
            image.disk = .init(path: file, format: .raw, virtualBytes: 0)
        } else if let registered {
            func path(_ part: String) -> String? { registered[part].map { "\(folders.registry)/objects/\($0.prefix(2))/\($0)" } }
            image.kernel = path("kernel")
            image.initrd = path("initrd")
            image.disk = path("disk").map { .init(path: $0, format: .raw, virtualBytes: 0) }
        } else {
            // The names that ImageBuilder gives; a test compares them with a real image's.
            let folder = "\(folders.images)/\(key)"
            image.kernel = "\(folder)/kernel"
            image.initrd = "\(folder)/initrd"
            image.disk = .init(path: "\(folder)/disk.qcow2", format: .qcow2, virtualBytes: 0)
        }
        return image
    }
}
