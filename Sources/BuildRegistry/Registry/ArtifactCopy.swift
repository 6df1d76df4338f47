import Crypto
import FoundationEssentials
import Glibc
import LabEvents
import SystemPackage

/// Copies a file into the store and hashes it on the way, so that the digest is of the bytes that were stored, whatever happens to the source.
enum ArtifactCopy {
    /// A copy that was made.
    struct Copy: Sendable, Equatable {
        var sha256: String
        var bytes: Int64
        /// Whether the file system shares the blocks of the two files (it copies them when one is written to).
        var isReflink: Bool
    }

    /// Bytes read at once. A multiple of every file system's block.
    private static let pieceBytes = 4 << 20

    /// Copies `source` to the new file `path`, which becomes read-only and is on the disk when this returns. Blocks of zeros become holes.
    ///
    /// - Parameter progress: called with the bytes copied so far.
    /// - Throws: ``Problem``: the source is no file that can be read, or was written to meanwhile; `disk-full`. `CancellationError`.
    static func copy(
        _ source: String, to path: String, _ cancellation: BlockingCall.Cancellation, progress: (Int64) -> Void = { _ in }
    ) throws -> Copy {
        let input = try open(source)
        defer { close(input) }
        let before = try status(input, source)
        guard before.st_mode & S_IFMT == S_IFREG else {
            throw Problem(.invalidInput, "what is to be registered is not a file", location: source, remedy: "name a file")
        }
        let output = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw failure("making a file in the registry", path, errno) }
        defer { close(output) }
        let isReflink = ioctl(output, cloneRequest, input) == 0
        // A clone is read instead of its source, which may change from now on.
        let digest = try isReflink ? hash(output, path, cancellation) : transfer(input, source, output, path, cancellation, progress)
        let after = try status(input, source)
        guard isReflink || isSame(before, after) else {
            throw Problem(
                .failure, "the file changed while it was registered", location: source,
                why: "its size or time of change is not what it was at the start",
                remedy: "register when its builder has ended, and let no other build write there meanwhile")
        }
        guard fchmod(output, 0o444) == 0, fsync(output) == 0 else { throw failure("writing to the registry", path, errno) }
        return Copy(sha256: digest.sha256, bytes: digest.bytes, isReflink: isReflink)
    }

    /// Digest and size of a file.
    static func digest(of path: String, _ cancellation: BlockingCall.Cancellation) throws -> (sha256: String, bytes: Int64) {
        let input = try open(path)
        defer { close(input) }
        return try hash(input, path, cancellation)
    }

    private static func transfer(
        _ input: Int32, _ source: String, _ output: Int32, _ path: String, _ cancellation: BlockingCall.Cancellation,
        _ progress: (Int64) -> Void
    ) throws -> (sha256: String, bytes: Int64) {
        let result = try pieces(input, source, cancellation) { piece, offset in
            defer { progress(offset + Int64(piece.count)) }
            guard !isZero(piece) else { return }
            var done = 0
            while done < piece.count {
                let count = pwrite(output, piece.baseAddress?.advanced(by: done), piece.count - done, off_t(offset) + off_t(done))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure("writing to the registry", path, count < 0 ? errno : EIO) }
                done += count
            }
        }
        guard ftruncate(output, off_t(result.bytes)) == 0 else { throw failure("writing to the registry", path, errno) }
        return result
    }

    private static func hash(
        _ file: Int32, _ path: String, _ cancellation: BlockingCall.Cancellation
    ) throws -> (sha256: String, bytes: Int64) {
        try pieces(file, path, cancellation) { _, _ in }
    }

    /// Reads a file to its end, in pieces that are hashed and handed to `body` with their offsets.
    private static func pieces(
        _ file: Int32, _ path: String, _ cancellation: BlockingCall.Cancellation, _ body: (UnsafeRawBufferPointer, Int64) throws -> Void
    ) throws -> (sha256: String, bytes: Int64) {
        posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
        var hash = SHA256()
        var offset: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            try cancellation.check()
            let count = pread(file, buffer.baseAddress, buffer.count, off_t(offset))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("reading a file", path, errno) }
            guard count > 0 else { break }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hash.update(bufferPointer: piece)
            try body(piece, offset)
            offset += Int64(count)
        }
        return (Digest.hexadecimal(hash.finalize()), offset)
    }

    private static func isZero(_ piece: UnsafeRawBufferPointer) -> Bool {
        // Nearly every other piece is told by its first byte.
        guard let start = piece.baseAddress, piece.first == 0 else { return false }
        return piece.count == 1 || memcmp(start, start + 1, piece.count - 1) == 0
    }

    private static func open(_ path: String) throws(Problem) -> Int32 {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw Problem(
                .invalidInput, "a file cannot be read", location: path, why: String(cString: strerror(errno)),
                remedy: "check the path and its permissions")
        }
        return file
    }

    private static func status(_ file: Int32, _ path: String) throws(Problem) -> stat {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure("reading a file", path, errno) }
        return status
    }

    private static func isSame(_ one: stat, _ other: stat) -> Bool {
        one.st_size == other.st_size && one.st_mtim.tv_sec == other.st_mtim.tv_sec && one.st_mtim.tv_nsec == other.st_mtim.tv_nsec
            && one.st_ctim.tv_sec == other.st_ctim.tv_sec && one.st_ctim.tv_nsec == other.st_ctim.tv_nsec
    }

    private static func failure(_ doing: String, _ path: String, _ code: Int32) -> Problem {
        let why = String(cString: strerror(code))
        if code == ENOSPC || code == EDQUOT || code == EFBIG { return ToolRunner.diskFull(while: doing, at: path, why: why) }
        return Problem(.failure, "\(doing) failed", location: path, why: why, remedy: "check the folder's permissions and the disk")
    }

    /// `FICLONE` (ioctl_ficlonerange(2)): `_IOW(0x94, 9, int)`, a macro that Swift does not import.
    private static let cloneRequest: UInt = 0x4004_9409
}
