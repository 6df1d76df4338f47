import Crypto
import Glibc

/// SHA-256 of files, in pieces, and of digests as text.
enum FileDigest {
    /// 64 hexadecimal digits, in lower case; nil for another text. `sha256:` may stand before them.
    static func normalized(_ text: String) -> String? {
        let digits = (text.hasPrefix("sha256:") ? text.dropFirst(7) : text[...]).lowercased()
        return digits.utf8.count == 64 && digits.allSatisfy(\.isHexDigit) ? digits : nil
    }

    /// The digest of a text.
    static func of(_ text: String) -> String { self.text(SHA256.hash(data: Array(text.utf8))) }

    static func text(_ digest: SHA256.Digest) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Adds what a file has to a hash.
    ///
    /// - Parameter count: at most so many bytes; nil for all.
    /// - Returns: how many there were; nil when the file cannot be read.
    static func update(_ hash: inout SHA256, from descriptor: Int32, count: Int64? = nil) -> Int64? {
        var done: Int64 = 0
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { piece.deallocate() }
        while done < count ?? .max {
            let wanted = Int(min(Int64(piece.count), (count ?? .max) - done))
            let got = pread(descriptor, piece.baseAddress, wanted, Int(done))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { return nil }
            if got == 0 { break }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece[..<got]))
            done += Int64(got)
        }
        return done
    }

    /// The digest and the length of a file; nil when there is none that can be read.
    static func ofFile(_ path: String) -> (sha256: String, bytes: Int64)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var hash = SHA256()
        return update(&hash, from: descriptor).map { (text(hash.finalize()), $0) }
    }
}
