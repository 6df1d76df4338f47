import Glibc

extension Problem {
    /// A file that cannot be written: of key `disk-full` where space is what lacks.
    /// - Parameter code: the `errno` of the failed call.
    package static func writing(_ what: String, at path: String, code: Int32) -> Problem {
        let why = String(cString: strerror(code))
        if code == ENOSPC || code == EDQUOT || code == EFBIG {
            return .environment(.diskFull, what, location: path, why: why, remedy: "free some space there, or use a folder on another disk")
        }
        return Problem(.failure, what, location: path, why: why, remedy: "check the folder's permissions and the disk")
    }
}

/// Writing to a descriptor to the end.
package enum WholeWrite {
    /// Writes all of the bytes.
    /// - Returns: How many were written, and the `errno` of the call that failed, 0 for none.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> (written: Int, code: Int32) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (written, count < 0 ? errno : EIO) }
            written += count
        }
        return (written, 0)
    }
}
