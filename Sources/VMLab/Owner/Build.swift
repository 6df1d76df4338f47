import Crypto
import FoundationEssentials

/// The executable that runs.
public enum Build {
    /// The first 12 hexadecimal digits of the SHA-256 of this process's executable: two builds differ, a copy does not.
    public static let identifier: String = identifier(of: "/proc/self/exe")

    /// The version of vmlab.
    public static let version = "0.3.0"

    /// The identifier of an executable file; `unknown` when it cannot be read.
    static func identifier(of path: String) -> String {
        guard let bytes = try? Data(contentsOf: URL(filePath: path), options: .alwaysMapped) else { return "unknown" }
        return SHA256.hash(data: bytes).prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
