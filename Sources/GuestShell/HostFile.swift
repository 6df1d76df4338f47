import Glibc
import SystemPackage

/// The permission bits of a host's file.
func permissions(of path: FilePath) throws -> mode_t {
    var status = stat()
    guard stat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
    return status.st_mode & 0o7777
}

/// Sets a file's permission bits and gives it its final name in one step.
func chmodAndRename(_ source: FilePath, _ destination: FilePath, mode: UInt16) -> Bool {
    chmod(source.string, mode_t(mode)) == 0 && rename(source.string, destination.string) == 0
}

/// Removes a host's file; one that is not there is no error.
func remove(_ path: FilePath) {
    _ = unlink(path.string)
}
