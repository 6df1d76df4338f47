import Glibc
import LabEvents
import SystemPackage

/// A text for a child's standard input that never has a path while it has content: a file in memory, unlinked before it is written. A program can read it as
/// often as it opens `/proc/self/fd/0`, and nothing is left of it whoever is killed.
enum SecretInput {
    /// - Returns: the file at its beginning; the caller closes it.
    static func open(_ text: String) throws(Problem) -> FileDescriptor {
        let name = "/vmlab-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        let descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            throw Problem(
                .failure, "cannot make a file in memory", location: "/dev/shm\(name)", why: String(cString: strerror(errno)),
                remedy: "mount a tmpfs at /dev/shm")
        }
        shm_unlink(name)
        let code = WholeWrite.write(Array(text.utf8), to: descriptor).code
        guard code == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            close(descriptor)
            throw .writing("cannot write a file in memory", at: "/dev/shm", code: code == 0 ? EIO : code)
        }
        return FileDescriptor(rawValue: descriptor)
    }
}
