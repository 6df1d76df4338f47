import Glibc

/// What a collection removed, or would remove.
public struct RegistryCollection: Sendable, Codable, Equatable {
    /// The generations, `ID#GENERATION`.
    public var generations: [String] = []
    /// Generations that would have gone, but a machine runs on one of their disks.
    public var inUse: [String] = []
    /// The digests of files that no image names, those of removed generations included.
    public var objects: [String] = []
    /// How many unfinished registrations were removed, whose processes had died.
    public var unfinished = 0
    /// What that frees, bytes, as far as no other file shares the blocks.
    public var bytes: Int64 = 0
}

extension ImageRegistry {
    /// Removes older generations, files that no image names, and what killed registrations left. What a registration is just working on stays.
    ///
    /// - Parameters:
    ///   - keeping: how many generations of each variant stay, at least 1.
    ///   - isDryRun: to say only what would be removed.
    /// - Throws: ``LabEvents/Problem`` when the index cannot be used. A collection that is killed can be repeated.
    @concurrent
    public func collect(keeping: Int = 1, isDryRun: Bool = false) async throws -> RegistryCollection {
        guard Folder.exists(folder) else { return RegistryCollection() }
        return try await withLock {
            var collection = RegistryCollection()
            let index = try RegistryIndex(indexFile, isMaking: true)
            var (removed, kept): ([RegisteredImage], Set<String>) = ([], [])
            for (_, images) in Dictionary(grouping: try await index.all(), by: \.variant).sorted(by: { $0.key < $1.key }) {
                for (position, image) in images.enumerated() {
                    let isOld = position >= max(1, keeping)
                    let isInUse = isOld && image.artifacts.contains { FileUse.isLocked(object($0.sha256)) }
                    if isOld, !isInUse {
                        removed.append(image)
                        continue
                    }
                    if isInUse { collection.inUse.append("\(image.variant)#\(image.generation)") }
                    kept.formUnion(image.artifacts.map(\.sha256) + [image.log].compactMap { $0 })
                }
            }
            collection.generations = removed.map { "\($0.variant)#\($0.generation)" }
            // First the names: a crash in between leaves files without a name, not names without files.
            if !isDryRun { try await index.remove(removed) }
            for prefix in Folder.names(in: objects) {
                for name in Folder.names(in: "\(objects)/\(prefix)") where !kept.contains(name) {
                    let path = "\(objects)/\(prefix)/\(name)"
                    collection.objects.append(name)
                    collection.bytes += FileUse.allocatedBytes(path)
                    if !isDryRun { Folder.remove(path) }
                }
            }
            for name in Folder.names(in: staging) {
                let path = "\(staging)/\(name)"
                try? FileLock.ifFree(path + "/lock") {
                    collection.unfinished += 1
                    collection.bytes += Folder.names(in: path).reduce(0) { $0 + FileUse.allocatedBytes("\(path)/\($1)") }
                    if !isDryRun { Folder.remove(path) }
                }
            }
            return collection
        }
    }
}

/// What the kernel knows of a file.
enum FileUse {
    /// Whether a process holds a lock on a file by its open description, as QEMU does on every disk that it has open, the bases of overlays too
    /// (file locking in QEMU's block/file-posix.c).
    static func isLocked(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        return fcntl(file, openDescriptionQuery, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
    }

    /// What a file takes on the disk, bytes.
    static func allocatedBytes(_ path: String) -> Int64 {
        var status = stat()
        return lstat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
    }

    /// `F_OFD_GETLK` (fcntl(2)), which Swift does not import because it is a GNU extension.
    private static let openDescriptionQuery: Int32 = 36
}
