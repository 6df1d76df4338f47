import Glibc
import LabEvents
import SystemPackage

/// The right to write at a path, for as long as this process lives: flock(2) on the file or folder itself, so that no lock file stays. Who waited
/// for a path that has got its last name meanwhile finds another file there, or none.
final class PathLock: Sendable {
    /// The descriptor of what is locked.
    let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock.
    ///
    /// - Parameters:
    ///   - make: opens the path, making it where it is absent; gives the descriptor or throws.
    ///   - waiting: called when another process has it.
    static func take(
        _ path: String, queue: FileQueue, make: @escaping @Sendable () throws -> Int32, waiting: () -> Void
    ) async throws -> PathLock {
        while true {
            let lock = PathLock(try await queue.run(make))
            if try !lock.isTaken(path) {
                waiting()
                // The program can be ended when the task is cancelled, unlike a thread in flock(2). What it locks is our own open file.
                let program = HostProgram(path: try HostTool(name: "flock", package: "util-linux").locate(), environment: [:])
                let outcome = try await program.output(["0"], input: FileDescriptor(rawValue: lock.descriptor))
                guard outcome.exit == .exited(0) else { throw Self.problem(path, "flock \(outcome.exit): \(outcome.errors)") }
            }
            if lock.isCurrent(path) { return lock }
        }
    }

    private func isTaken(_ path: String) throws(Problem) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else {
                throw Self.problem(path, String(cString: strerror(errno)))
            }
        }
        return true
    }

    private static func problem(_ path: String, _ why: String) -> Problem {
        Problem(.failure, "cannot lock a file", location: path, why: why, remedy: "use a file system that has locks")
    }

    /// Whether the path still leads to what is locked.
    private func isCurrent(_ path: String) -> Bool {
        var (mine, there) = (stat(), stat())
        return fstat(descriptor, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev
    }
}
