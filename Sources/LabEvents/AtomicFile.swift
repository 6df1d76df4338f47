import Glibc

/// Files that appear whole or not at all.
public enum AtomicFile {
    /// Writes a file by way of a temporary one beside it, so that a reader sees the old content or the new one. It is readable by its owner alone.
    ///
    /// The content is not forced to the disk: it must survive a crash of the program, not of the host.
    /// - Parameter redactor: takes known secrets and their shapes out of the content.
    /// - Throws: ``Problem``; of key `disk-full` where space is what lacks. The old file is then unchanged.
    public static func write(_ bytes: [UInt8], to path: String, redactor: Redactor) throws(Problem) {
        let temporary = path + ".\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 16)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .writing("cannot make a file", at: temporary, code: errno) }
        var code = WholeWrite.write(redactor.redact(bytes), to: descriptor).code
        // Network file systems report a full disk here.
        if close(descriptor) != 0, code == 0 { code = errno }
        if code == 0, rename(temporary, path) != 0 { code = errno }
        guard code != 0 else { return }
        unlink(temporary)
        throw .writing("cannot write a file", at: path, code: code)
    }
}
