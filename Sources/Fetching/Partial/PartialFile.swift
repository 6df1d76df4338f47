import Crypto
import FoundationEssentials
import Glibc
import LabEvents
import Synchronization

/// What has come of a file so far: `FILE.partial`, locked, and `FILE.partial.json` with what the rest is to be asked for with. No URL is in it: it may have a
/// signature in its query.
final class PartialFile: Sendable {
    /// What is known of the content.
    struct Facts: Codable, Equatable, Sendable {
        /// The checksum that the whole must have.
        var sha256: String
        /// SHA-256 of the URL that the validator is of.
        var source: String?
        /// The entity tag or date of the answer.
        var validator: String?
        /// The length of the whole.
        var total: Int64?
    }

    private struct State {
        var facts: Facts
        var bytes: Int64 = 0
        var hash = SHA256()
        /// Whether its parts may be of different contents: some were there before this process, or nothing said that they belong together.
        var isStitched = false
    }

    let path: String
    private let destination: String
    private let lock: PathLock
    private let queue: FileQueue
    private let state: Mutex<State>

    private var factsPath: String { path + ".json" }

    private init(_ destination: String, _ lock: PathLock, _ queue: FileQueue, sha256: String) {
        (self.destination, path, self.lock, self.queue) = (destination, Self.path(destination), lock, queue)
        state = Mutex(State(facts: Facts(sha256: sha256)))
    }

    static func path(_ destination: String) -> String { destination + ".partial" }

    /// Takes the file over, whoever began it; waits while another process has it. What is of another content is thrown away.
    static func open(_ destination: String, sha256: String, queue: FileQueue, waiting: () -> Void) async throws -> PartialFile {
        let path = path(destination)
        let lock = try await PathLock.take(
            path, queue: queue,
            make: {
                let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
                guard descriptor >= 0 else { throw Problem.writing("cannot make a file", at: path, code: errno) }
                return descriptor
            }, waiting: waiting)
        let file = PartialFile(destination, lock, queue, sha256: sha256)
        try await queue.run { try file.takeOver() }
        return file
    }

    /// How much is there, in bytes.
    var bytes: Int64 { state.withLock { $0.bytes } }
    /// What is known of the content.
    var facts: Facts { state.withLock { $0.facts } }
    /// Whether its parts may be of different contents.
    var isStitched: Bool { state.withLock { $0.isStitched } }

    private func takeOver() throws {
        let known = (try? Data(contentsOf: URL(filePath: factsPath))).flatMap { try? JSONDecoder().decode(Facts.self, from: $0) }
        try state.withLock { state in
            guard let known, known.sha256 == state.facts.sha256, let size = FileDigest.update(&state.hash, from: lock.descriptor),
                size <= known.total ?? .max
            else {
                try Self.cut(lock.descriptor, path)
                state.hash = SHA256()
                return
            }
            (state.facts, state.bytes, state.isStitched) = (known, size, size > 0)
        }
    }

    /// Keeps what an answer said of the content.
    func note(source: String, validator: String?, total: Int64?) async throws {
        let changed = state.withLock { state in
            let old = state.facts
            (state.facts.source, state.facts.validator, state.facts.total) = (source, validator, total ?? old.total)
            return state.facts == old ? nil : state.facts
        }
        guard let changed else { return }
        try await queue.run { [factsPath] in
            do {
                // One that was only half written is like none: the lock keeps others from reading it now.
                try JSONEncoder().encode(changed).write(to: URL(filePath: factsPath))
            } catch {
                throw Problem.writing(
                    "cannot write a file", at: factsPath, code: (error as? CocoaError)?.code == .fileWriteOutOfSpace ? ENOSPC : EIO)
            }
        }
    }

    /// Says that what comes next was asked for with nothing that the earlier part is known by.
    func noteStitch() { state.withLock { $0.isStitched = true } }

    /// Writes what came next.
    func append(_ bytes: [UInt8]) async throws {
        try await queue.run { [self] in
            try state.withLock { state in
                guard lseek(lock.descriptor, Int(state.bytes), SEEK_SET) >= 0 else {
                    throw Problem.writing("cannot write a file", at: path, code: errno)
                }
                let (written, code) = WholeWrite.write(bytes, to: lock.descriptor)
                state.hash.update(data: bytes[..<written])
                state.bytes += Int64(written)
                guard code == 0 else { throw Problem.writing("cannot write what is fetched", at: path, code: code) }
            }
        }
    }

    /// Begins anew.
    func restart() async throws {
        try await queue.run { [self] in
            try state.withLock { state in
                try Self.cut(lock.descriptor, path)
                state = State(facts: Facts(sha256: state.facts.sha256))
            }
        }
    }

    /// The checksum of what is there.
    var digest: String { state.withLock { FileDigest.text($0.hash.finalize()) } }

    /// Gives the file its last name, once it is on the disk.
    func finish() async throws {
        try await queue.run { [self] in
            guard fsync(lock.descriptor) == 0, rename(path, destination) == 0 else {
                throw Problem.writing("cannot write a file", at: destination, code: errno)
            }
            unlink(factsPath)
            HostFolder.synchronize(HostFolder.parent(destination))
        }
    }

    /// Removes it.
    func remove() async throws {
        try await queue.run { [self] in
            unlink(factsPath)
            unlink(path)
        }
    }

    /// Bytes that can still be written beside it.
    var free: Int64? {
        var status = statvfs()
        return fstatvfs(lock.descriptor, &status) == 0 ? Int64(status.f_bavail) * Int64(status.f_frsize) : nil
    }

    private static func cut(_ descriptor: Int32, _ path: String) throws(Problem) {
        guard ftruncate(descriptor, 0) == 0 else { throw .writing("cannot write a file", at: path, code: errno) }
    }
}
