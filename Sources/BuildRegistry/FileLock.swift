import Glibc
import LabEvents
import SystemPackage

/// A lock that one process at a time holds and that the kernel takes back when its holder dies (flock(2)).
enum FileLock {
    /// Runs `body` while holding the lock of the file at `path`, which is made when absent and never removed.
    ///
    /// Waiting is the business of the program `flock`: unlike a thread in flock(2) it can be ended when the waiting task is cancelled.
    /// - Parameter waiting: called with the holder's process id, if it wrote one, each time the lock is found held.
    static func withLock<T>(
        _ path: String, runner: ToolRunner, waiting: (String?) -> Void, body: () async throws -> T
    ) async throws -> T {
        let file = try open(path)
        defer { try? file.close() }
        while try !take(file, path) {
            waiting(holder(file))
            let outcome = try await runner.outcome(["flock", path, "true"])
            guard outcome.succeeded else { throw ToolRunner.problem(["flock", path, "true"], outcome) }
        }
        // Only for whoever waits to read; a full disk must not keep a cached image from being used.
        _ = ftruncate(file.rawValue, 0)
        _ = try? file.writeAll(toAbsoluteOffset: 0, "\(getpid())\n".utf8)
        return try await body()
    }

    /// Runs `body` if nobody holds the lock, else does nothing.
    static func ifFree(_ path: String, body: () throws -> Void) throws {
        let file = try open(path)
        defer { try? file.close() }
        if try take(file, path) { try body() }
    }

    private static func open(_ path: String) throws(Problem) -> FileDescriptor {
        try Folder.create(Folder.parent(path))
        do {
            return try FileDescriptor.open(
                FilePath(path), .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            if (error as? Errno) == .noSpace { throw ToolRunner.diskFull(while: "making a lock file", at: path, why: "\(error)") }
            throw Problem(
                .failure, "cannot open a lock file", location: path, why: "\(error)", remedy: "check the permissions of the cache folder")
        }
    }

    private static func take(_ file: FileDescriptor, _ path: String) throws(Problem) -> Bool {
        while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else {
                throw Problem(.failure, "cannot lock a file", location: path, why: "\(Errno(rawValue: errno))")
            }
        }
        return true
    }

    private static func holder(_ file: FileDescriptor) -> String? {
        let text = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            let count = (try? file.read(fromAbsoluteOffset: 0, into: buffer)) ?? 0
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text.split(separator: "\n").first.map(String.init)
    }
}
