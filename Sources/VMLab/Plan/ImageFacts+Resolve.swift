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
    ///   - word: the name of a description, or the path of a disk image; see ``isPath(_:)``.
    ///   - catalog: where names are looked up; nil for ``BuildRegistry/ImageCatalog/standard(environment:workingDirectory:executable:)``.
    ///   - store: the cache that may have it already.
    /// - Throws: a ``Problem`` of kind `invalidInput` when there is no such image or it cannot be booted; `env: package-sources` when a described
    ///   image cannot be built on this host.
    public static func resolve(_ word: String, catalog: ImageCatalog? = nil, store: ImageStore = ImageStore()) async throws -> ImageFacts {
        guard isPath(word) else {
            let description = try (catalog ?? ImageCatalog.standard()).description(named: word)
            return try described(description, store: store)
        }
        let image = try await ForeignImage.inspect(word, digesting: false)
        let path = image.disk?.path ?? word
        return ImageFacts(
            name: image.name, key: try identity(of: path), bootModes: image.firmwares, defaultMemoryMiB: image.defaultMemoryMiB,
            defaultVCPUs: image.defaultVCPUs, commandLine: image.commandLine, consoles: image.consoles, file: path, isCached: true)
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
