import Crypto
import FoundationEssentials
import LabEvents
import SystemPackage

/// SHA-256 digests as 64 lower-case hexadecimal digits.
enum Digest {
    /// The digest of some bytes.
    static func sha256(_ bytes: some Sequence<UInt8>) -> String { hexadecimal(SHA256.hash(data: Array(bytes))) }

    /// The digest of a file, read in pieces of 1 MiB; a cancelled task stops between two.
    static func sha256(ofFile path: String) throws -> String {
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec])
        defer { try? file.close() }
        var hash = SHA256()
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { piece.deallocate() }
        while true {
            try Task.checkCancellation()
            let count = try file.read(into: piece)
            guard count > 0 else { return hexadecimal(hash.finalize()) }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece[..<count]))
        }
    }

    /// A digest in hexadecimal digits.
    static func hexadecimal(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
