import Crypto
import SystemPackage

/// The executable that runs.
public enum Build {
    /// The first 12 hexadecimal digits of the SHA-256 of this process's executable: two builds differ, a copy does not.
    public static let identifier: String = identifier(of: "/proc/self/exe")

    /// The version of vmlab.
    public static let version = "0.3.0"

    /// The identifier of an executable file; `unknown` when it cannot be read.
    static func identifier(of path: String) -> String {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return "unknown" }
        defer { try? file.close() }
        // Piece by piece: an owner lives long, and a debug build's executable is large.
        var hash = SHA256()
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while let count = try? piece.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 { hash.update(data: piece[..<count]) }
        return hash.finalize().prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
