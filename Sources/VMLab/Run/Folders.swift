import FoundationEssentials
import Glibc
import LabEvents

/// Folders of a run.
enum Folders {
    /// Makes a folder, mode 0700, with those above it.
    static func make(_ path: String) throws(Problem) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            let code = (error as? CocoaError)?.code == .fileWriteOutOfSpace ? ENOSPC : EIO
            guard code == ENOSPC else { throw Problem(.failure, "cannot make a folder", location: path, why: "\(error)") }
            throw EvidenceFile.problem(path, code)
        }
    }

    /// How many bytes a file has, or the files right in a folder.
    static func size(_ path: String) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { return 0 }
        guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).reduce(0) { $0 + size("\(path)/\($1)") }
    }

    /// What the file system of a folder has left, in MiB; 0 when it cannot be asked.
    static func freeMebibytes(_ path: String) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return Int(status.f_bavail * UInt(status.f_frsize)) >> 20
    }
}
