import FoundationEssentials
import Glibc
import LabEvents

extension Fetcher {
    /// Fetches an image with skopeo.
    ///
    /// What has come stays in `DESTINATION.partial` when this ends early, and the next fetch goes on with the blobs that are whole. Every blob is compared
    /// with its digest before the image gets its name. A layout that this program fetched from the same source and that is whole is left
    /// alone; another one of ours is replaced, and so is an archive.
    /// - Throws: as ``fetch(_:)-(FetchRequest)``.
    public func fetch(_ request: ImageRequest) async throws -> FetchResult {
        let begin = ContinuousClock.now
        let reference = try ImageReference(request.source, sha256: request.sha256)
        let parts = request.platform.split(separator: "/", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("-") }) else {
            throw Problem(.invalidInput, "'\(request.platform)' is no platform", remedy: "give OS/ARCHITECTURE, such as linux/arm64")
        }
        let path: String
        switch request.destination {
        case .layout(let name), .archive(let name): path = Self.absolute(name)
        }
        guard !path.contains(":") else {
            throw Problem(.invalidInput, "the path of an image has no colon", location: path, why: "skopeo takes what follows it for a tag")
        }
        let fetched = FetchedImage(fetcher: self, request: request, reference: reference, path: path)
        try await queue.run { try HostFolder.make(HostFolder.parent(path)) }
        if let found = try await fetched.present() { return found }
        let lock = try await fetched.lock()
        if let found = try await fetched.present() {
            try await fetched.removePartial()
            return found
        }
        let login = try await login(for: reference.host)
        var result = try await fetched.run(login)
        try await fetched.finish(manifest: result.manifest ?? "")
        withExtendedLifetime(lock) {}
        result.seconds = (ContinuousClock.now - begin).seconds
        progress(.finished(path: path, bytes: result.bytes, seconds: result.seconds))
        return result
    }
}

/// One image on its way.
struct FetchedImage: Sendable {
    let fetcher: Fetcher
    let request: ImageRequest
    let reference: ImageReference
    /// The last path of layout or archive.
    let path: String

    private var partial: ImageLayout { ImageLayout(path: path + ".partial") }
    private var isArchive: Bool { if case .archive = request.destination { true } else { false } }

    /// The image, when the destination has it.
    func present() async throws -> FetchResult? {
        guard !isArchive else { return nil }
        let layout = ImageLayout(path: path)
        let found = try await fetcher.queue.run { () -> ImageLayout.Finding? in
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            guard let origin = layout.origin else {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? ["?"]
                if names.isEmpty { return nil }
                throw Problem(
                    .invalidInput, "something else is at the image's place", location: path, why: "it was not fetched by vmlab",
                    remedy: "give another path, or remove it")
            }
            guard origin.source == reference.text, origin.platform == request.platform, let found = try? layout.verify() else { return nil }
            return found.manifest == origin.manifest ? found : nil
        }
        guard let found else { return nil }
        fetcher.progress(.present(path: path))
        return FetchResult(
            path: path, sha256: reference.sha256, bytes: found.bytes, received: 0, retries: 0, seconds: 0, manifest: found.manifest)
    }

    func lock() async throws -> PathLock {
        let folder = partial.path
        return try await PathLock.take(
            folder, queue: fetcher.queue,
            make: {
                guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
                    throw Problem.writing("cannot make a folder", at: folder, code: errno)
                }
                let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                guard descriptor >= 0 else { throw Problem.writing("cannot open a folder", at: folder, code: errno) }
                return descriptor
            }, waiting: { fetcher.progress(.waiting(path: path)) })
    }

    /// Tries until all of it is there.
    func run(_ login: HostLogin) async throws -> FetchResult {
        let partial = partial
        let before = try await fetcher.queue.run {
            partial.tidy()
            return partial.bytes
        }
        if before > 0 { fetcher.progress(.resuming(bytes: before)) }
        var patience = Patience(limit: request.patience, furthest: before)
        while true {
            let attempt = ImageAttempt(fetcher: fetcher, reference: reference, platform: request.platform, layout: partial, login: login)
            do {
                let (found, grown) = try await attempt.run(stall: min(request.stall, request.patience)) { patience.reached($0) }
                return FetchResult(
                    path: path, sha256: reference.sha256, bytes: found.bytes, received: max(0, grown - before), retries: patience.tries,
                    seconds: 0, credentials: login.source.description, manifest: found.manifest)
            } catch AttemptFailure.transient(let why, _, let remedy) {
                guard let delay = patience.pause(wish: nil) else {
                    let bytes = try await fetcher.queue.run { partial.bytes }
                    if bytes == 0 { try await removePartial() }
                    throw AttemptFailure.exhausted(
                        "\(reference.host)/\(reference.repository)", at: reference.text, why, remedy: remedy, patience: patience, wish: nil,
                        kept: bytes == 0 ? "" : "; \(bytes) bytes stay in \(partial.path)")
                }
                try await fetcher.pause(why, delay)
            } catch AttemptFailure.permanent(let problem) {
                if before == 0 { try await removePartial() }
                throw problem
            }
        }
    }

    /// Gives it its last name.
    func finish(manifest: String) async throws {
        let partial = partial
        try await fetcher.queue.run {
            try partial.write(ImageLayout.Origin(source: reference.text, platform: request.platform, manifest: manifest))
        }
        guard isArchive else {
            try await fetcher.queue.run {
                let old = path + ".old-\(getpid())"
                // Also an empty folder: rename(2) takes none away on every file system.
                let hadOne = rename(path, old) == 0
                guard rename(partial.path, path) == 0 else {
                    let code = errno
                    if hadOne { rename(old, path) }
                    throw Problem.writing("cannot name the image", at: path, code: code)
                }
                if hadOne { try? FileManager.default.removeItem(atPath: old) }
                HostFolder.synchronize(HostFolder.parent(path))
            }
            return
        }
        let archive = path + ".partial.tar"
        let program = HostProgram(path: try HostTool(name: "tar", package: "tar").locate(), environment: fetcher.environment)
        // The same bytes for the same image.
        let outcome = try await program.output(
            [
                "--create", "--file", archive, "--directory", partial.path, "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
                "--numeric-owner", "--mode=go=rX,u+rw", ".",
            ], input: "")
        guard outcome.exit == .exited(0) else {
            unlink(archive)
            let isFull = outcome.errors.contains("No space left on device")
            guard !isFull else { throw Problem.writing("cannot write the image's archive", at: path, code: ENOSPC) }
            throw Problem(.failure, "cannot make the image's archive", location: path, why: "tar \(outcome.exit): \(outcome.errors)")
        }
        try await fetcher.queue.run {
            guard rename(archive, path) == 0 else { throw Problem.writing("cannot name the image", at: path, code: errno) }
            HostFolder.synchronize(HostFolder.parent(path))
        }
        try await removePartial()
    }

    func removePartial() async throws {
        let folder = partial.path
        try await fetcher.queue.run { try? FileManager.default.removeItem(atPath: folder) }
    }
}
