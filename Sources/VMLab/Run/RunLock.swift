import Glibc
public import LabEvents

/// The lock of a run directory (flock(2) on its file `lock`). Whoever owns the lab holds it; when it is free the lab is stale.
///
/// The lock belongs to the open file and not to the process: it passes from the process that made the directory to the owner that it starts, and through an
/// owner's replacement by a new build, without a moment in which it is free.
public struct RunLock: Sendable {
    /// The descriptor that holds the lock.
    public let descriptor: Int32

    /// Takes the lock of a run.
    ///
    /// - Throws: a ``Problem`` of kind `busy` when another process holds it.
    public static func take(_ run: RunDirectory) throws(Problem) -> RunLock {
        let descriptor = open(run.lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Problem(.failure, "cannot open the run's lock", location: run.lockFile, why: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Problem(.busy, "another process owns the run \(run.identifier)", location: run.lockFile, remedy: "vmlab ps shows it")
        }
        return RunLock(descriptor: descriptor)
    }

    /// The lock that a descriptor inherited from the process before holds.
    public static func inherited(_ descriptor: Int32) -> RunLock {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return RunLock(descriptor: descriptor)
    }

    /// Whether somebody holds the lock of a run. A run without a lock file is nobody's.
    public static func isHeld(_ run: RunDirectory) -> Bool {
        let descriptor = open(run.lockFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // Shared, so that two who look do not see each other.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Gives the lock up.
    public func release() { close(descriptor) }
}
