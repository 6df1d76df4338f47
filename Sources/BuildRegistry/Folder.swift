import FoundationEssentials
import Glibc
import LabEvents
import SystemPackage

/// File operations of the builder and the store; each failure is a problem that names the path, and want of space is told apart.
enum Folder {
    /// Makes a folder and those above it, mode 0755; one that exists is left alone.
    static func create(_ path: String) throws(Problem) {
        try attempt("creating a folder", path) {
            guard !exists(path) else { return }
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        }
    }

    /// Writes a file with exactly this mode, and the folders above it.
    static func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws(Problem) {
        try create(parent(path))
        try attempt("writing a file", path) {
            let options: FileDescriptor.OpenOptions = [.create, .truncate, .closeOnExec]
            let file = try FileDescriptor.open(FilePath(path), .writeOnly, options: options, permissions: [.ownerReadWrite])
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
            guard chmod(path, mode) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// Copies a file's bytes; an existing one is replaced.
    static func copy(_ source: String, to path: String, mode: UInt32 = 0o644) throws(Problem) {
        try create(parent(path))
        try attempt("copying \(source)", path) {
            remove(path)
            try FileManager.default.copyItem(atPath: source, toPath: path)
            guard chmod(path, mode) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// Makes a symbolic link; an existing one is replaced.
    static func link(_ path: String, to target: String) throws(Problem) {
        try create(parent(path))
        try attempt("making a link", path) {
            remove(path)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
        }
    }

    /// Makes a file of this size that takes no space yet.
    static func makeSparse(_ path: String, bytes: Int64) throws(Problem) {
        try write("", to: path)
        try attempt("making a disk file", path) {
            guard truncate(path, Int(bytes)) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// Removes a file or a folder with all in it; what is not there is no error.
    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    /// Whether something, be it a dangling link, has this path.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Whether a folder, or a link to one, has this path.
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, sorted; none when there is no such folder.
    static func names(in path: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    /// The size of a file in bytes, nil when there is none.
    static func size(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// Bytes that this user can still write in the file system of `path`.
    static func freeBytes(_ path: String) -> Int64? {
        var status = statvfs()
        return statvfs(path, &status) == 0 ? Int64(status.f_bavail) * Int64(status.f_frsize) : nil
    }

    /// Hands a file's, or a folder's own, content over to the disk.
    static func synchronize(_ path: String) throws(Problem) {
        try attempt("writing to disk", path) {
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec])
            try file.closeAfter {
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
        }
    }

    /// Gives a folder another name within the file system, at once.
    static func rename(_ path: String, to other: String) throws(Problem) {
        try attempt("renaming \(path)", other) {
            guard Glibc.rename(path, other) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// A path from the root on; a relative one starts in the working directory.
    static func absolute(_ path: String) -> String {
        FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized().string
    }

    /// The folder that a path lies in.
    static func parent(_ path: String) -> String { FilePath(path).removingLastComponent().string }

    private static func attempt(_ doing: String, _ path: String, _ body: () throws -> Void) throws(Problem) {
        do {
            try body()
        } catch {
            let isFull = (error as? Errno) == .noSpace || (error as? CocoaError)?.code == .fileWriteOutOfSpace
            guard !isFull else { throw ToolRunner.diskFull(while: doing, at: path, why: "No space left on device") }
            throw Problem(.failure, "\(doing) failed", location: path, why: "\(error)", remedy: "check the path and its permissions")
        }
    }
}
