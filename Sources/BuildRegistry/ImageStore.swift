public import FoundationEssentials
import Glibc
import LabEvents
import SystemPackage

/// The images that were built on this machine, each under a key of everything that was to decide it.
///
/// The key is the SHA-256 of the description (without its prose), the builder's version, and the host's distribution, release and
/// architecture. Package versions are not part of it: to know them costs seconds of apt and depends on when its lists were last
/// fetched, so a plain `apt-get update` would rebuild images in the middle of a test. They are in ``ImageRecord/packages``, and
/// ``ImageRecord/digest`` tells two builds apart. ``remove(key:)`` makes the next use build with today's packages.
///
/// Layout: `images/KEY/` (`image.json`, the parts, `build.log`), `locks/KEY.lock`, and while a build runs `images/.building-KEY-RANDOM/`.
public struct ImageStore: Sendable {
    /// The cache folder.
    public let cache: String
    let builder: any ImageBuilding
    let tools: HostTools
    let host: @Sendable () throws -> HostDistribution

    /// A store in `cache`; by default in ``defaultCache(environment:)``.
    public init(cache: String = Self.defaultCache(), builder: any ImageBuilding = ImageBuilder()) {
        self.init(cache: cache, builder: builder, tools: HostTools(), host: { try HostDistribution() })
    }

    init(cache: String, builder: any ImageBuilding, tools: HostTools, host: @escaping @Sendable () throws -> HostDistribution) {
        (self.cache, self.builder, self.tools, self.host) = (Folder.absolute(cache), builder, tools, host)
    }

    /// `$VMLAB_CACHE`, else `$XDG_CACHE_HOME/vmlab`, else `~/.cache/vmlab`.
    public static func defaultCache(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let folder = environment["VMLAB_CACHE"], !folder.isEmpty { return folder }
        // The XDG base directory specification has relative paths ignored.
        if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") { return folder + "/vmlab" }
        return (environment["HOME"] ?? "/tmp") + "/.cache/vmlab"
    }

    /// The folder of the image with this key.
    public func folder(key: String) -> String { "\(images)/\(key)" }

    /// The key that `description` has on this host.
    public func key(for description: ImageDescription) throws -> String {
        let host = try host()
        var decisive = description
        decisive.intent = ""
        decisive.buildSpaceMiB = 0
        decisive.packages = decisive.packages.filter { $0.key == host.id }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let parts = try [encoder.encode(decisive), encoder.encode(host), Data(builder.version.utf8)]
        return Digest.sha256(parts.joined(separator: [0]))
    }

    /// The image of `description`, built first when the cache does not have it, or has it incomplete.
    ///
    /// Of several callers at once, in this process or others, one builds and the others wait. An image in use is checked by the sizes
    /// of its parts. Whatever a build leaves unfinished - by an error, cancellation, a full disk, a killed process - is removed, in the
    /// last case by the next build.
    ///
    /// - Parameter progress: called in order, from one task at a time.
    /// - Throws: ``Problem`` (`env: tool-missing`, `disk-full`, `fetch-failed`, `package-sources`, or invalid input), or `CancellationError`.
    @concurrent
    public func image(
        for description: ImageDescription, progress: @escaping @Sendable (ImageBuildEvent) -> Void = { _ in }
    ) async throws -> BootableImage {
        let key = try key(for: description)
        if let record = try? sound(key) {
            progress(.reused(image: record.name, key: key))
            return record.image(in: folder(key: key))
        }
        let runner = ToolRunner(tools: tools)
        return try await FileLock.withLock(
            lock(key), runner: runner, waiting: { progress(.waiting(image: description.name, holder: $0)) },
            body: {
                do {
                    let record = try sound(key)
                    progress(.reused(image: record.name, key: key))
                    return record.image(in: folder(key: key))
                } catch let damage as Damage where damage.isPresent {
                    progress(.damaged(image: description.name, reason: damage.reason))
                } catch {}
                return try await build(description, key, progress: progress).image(in: folder(key: key))
            })
    }

    /// The images in the cache, the newest first; what is incomplete is left out.
    public func list() -> [ImageRecord] {
        Folder.names(in: images).filter { !$0.hasPrefix(".") }.compactMap { try? sound($0) }.sorted { $0.builtAt > $1.builtAt }
    }

    /// Reads every byte of an image and compares it with its record.
    ///
    /// - Throws: ``Problem`` that names the part which differs, and the way to a sound image.
    @concurrent
    public func verify(key: String) async throws {
        do {
            let record = try sound(key)
            for (role, part) in record.parts.sorted(by: { $0.key < $1.key }) {
                guard try Digest.sha256(ofFile: folder(key: key) + "/" + part.file) == part.sha256 else {
                    throw Damage(reason: "the \(role) has another SHA-256 than recorded", isPresent: true)
                }
            }
        } catch let damage as Damage {
            throw Problem(
                .invalidInput, "the image is damaged", location: folder(key: key), why: damage.reason,
                remedy: "remove this folder; the next use builds the image again")
        }
    }

    /// Removes an image, so that the next use builds it anew. No machine may run on it: its overlays would lose their base.
    @concurrent
    public func remove(key: String) async throws {
        try await FileLock.withLock(
            lock(key), runner: ToolRunner(tools: tools), waiting: { _ in }, body: { Folder.remove(folder(key: key)) })
    }

    private var images: String { cache + "/images" }
    private func lock(_ key: String) -> String { "\(cache)/locks/\(key).lock" }

    /// Why an image cannot be used.
    private struct Damage: Error {
        var reason: String
        /// Whether there is anything at all.
        var isPresent: Bool
    }

    /// The record of an image whose parts are all there with their sizes.
    private func sound(_ key: String) throws -> ImageRecord {
        let path = folder(key: key)
        guard Folder.exists(path) else { throw Damage(reason: "no such image", isPresent: false) }
        guard let data = FileManager.default.contents(atPath: path + "/image.json"),
            let record = try? JSONDecoder().decode(ImageRecord.self, from: data), record.format == 1, record.key == key
        else { throw Damage(reason: "its image.json is missing or not readable", isPresent: true) }
        for (role, part) in record.parts.sorted(by: { $0.key < $1.key }) {
            let size = Folder.size(path + "/" + part.file)
            guard size == part.bytes else {
                throw Damage(
                    reason: "the \(role) has \(size.map { "\($0) bytes" } ?? "no file") instead of \(part.bytes) bytes", isPresent: true)
            }
        }
        return record
    }

    private func build(
        _ description: ImageDescription, _ key: String, progress: @escaping @Sendable (ImageBuildEvent) -> Void
    ) async throws -> ImageRecord {
        let start = ContinuousClock.now
        try Folder.create(images)
        removeLeftovers(holding: key)
        Folder.remove(folder(key: key))
        try checkSpace(for: description)
        progress(.started(image: description.name, key: key))
        let staging = "\(images)/.building-\(key)-\(UInt32.random(in: 0...UInt32.max))"
        try Folder.create(staging)
        defer { Folder.remove(staging) }

        let host = try host()
        let built = try await builder.build(description, on: host, in: staging, progress: progress)
        var parts: [String: ImageRecord.Part] = [:]
        for (role, file) in [("kernel", built.kernel), ("initrd", built.initrd), ("disk", built.disk)] {
            let path = staging + "/" + file
            parts[role] = .init(file: file, bytes: Folder.size(path) ?? 0, sha256: try Digest.sha256(ofFile: path))
            try Folder.synchronize(path)
        }
        let seconds = (ContinuousClock.now - start).inSeconds
        let record = ImageRecord(
            format: 1, name: description.name, key: key,
            digest: Digest.sha256(["kernel", "initrd", "disk"].compactMap { parts[$0]?.sha256 }.joined(separator: " ").utf8), parts: parts,
            diskVirtualBytes: built.diskVirtualBytes, firmwares: description.bootModes, commandLine: description.kernelCommandLine,
            consoles: description.consoles,
            memoryMiB: description.memoryMiB, vcpus: description.vcpus, host: host, packages: built.packages,
            builtAt: Date.now.formatted(.iso8601), buildSeconds: (seconds * 10).rounded() / 10)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try Folder.write(String(decoding: try encoder.encode(record), as: UTF8.self) + "\n", to: staging + "/image.json")
        try Folder.synchronize(staging + "/image.json")
        try Task.checkCancellation()
        try Folder.rename(staging, to: folder(key: key))
        try Folder.synchronize(images)
        progress(.finished(image: description.name, key: key, seconds: seconds, bytes: record.bytes))
        return record
    }

    /// Removes what killed builds left: those of `key`, whose lock the caller holds, and those of any other key whose lock is free.
    private func removeLeftovers(holding key: String) {
        for name in Folder.names(in: images) where name.hasPrefix(".building-") {
            let other = String(name.dropFirst(".building-".count).prefix { $0 != "-" })
            if other == key {
                Folder.remove("\(images)/\(name)")
            } else {
                try? FileLock.ifFree(lock(other)) { Folder.remove("\(images)/\(name)") }
            }
        }
    }

    private func checkSpace(for description: ImageDescription) throws(Problem) {
        guard let free = Folder.freeBytes(images), free / (1 << 20) < Int64(description.buildSpaceMiB) else { return }
        throw ToolRunner.diskFull(
            while: "preparing to build the image '\(description.name)'", at: cache,
            why: "the build needs about \(description.buildSpaceMiB) MiB, \(free / (1 << 20)) MiB are free")
    }
}
