import Crypto
import FoundationEssentials
public import LabEvents
import SystemPackage

/// A file of the host that guests are to get.
public struct PlannedFile: Codable, Sendable, Equatable {
    /// Its absolute path.
    public var path: String
    /// Its size.
    public var bytes: Int
    /// SHA-256 of its content, in hexadecimal.
    public var sha256: String

    /// A file from its parts.
    public init(path: String, bytes: Int, sha256: String) { (self.path, self.bytes, self.sha256) = (path, bytes, sha256) }

    /// Looks at a program for guests of this host's architecture.
    ///
    /// - Parameter path: relative to the working directory, or absolute.
    /// - Throws: a ``Problem`` of kind `invalidInput` for a file that cannot be read, or is no program for x86-64: an ELF file of another machine, or neither ELF nor a
    ///   script.
    public static func program(_ path: String) throws(Problem) -> PlannedFile {
        do {
            let absolute = FilePath(path).isAbsolute ? path : FileManager.default.currentDirectoryPath + "/" + path
            let file = try FileDescriptor.open(FilePath(absolute), .readOnly)
            defer { try? file.close() }
            var (hash, count, head) = (SHA256(), 0, [UInt8]())
            while true {
                let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                    count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                if piece.isEmpty { break }
                if head.isEmpty { head = Array(piece.prefix(20)) }
                hash.update(data: piece)
                count += piece.count
            }
            if let reason = reason(against: head) { throw Problem(.invalidInput, "\(path) is no program for these guests", why: reason) }
            let digits = Array("0123456789abcdef")
            let digest = String(hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
            return PlannedFile(path: absolute, bytes: count, sha256: digest)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.invalidInput, "the file cannot be read", location: path, why: "\(error)")
        }
    }

    /// Why a file that begins so cannot be run by an x86-64 guest; nil when it can. ELF: System V ABI, chapter 4; machine 62 is x86-64.
    static func reason(against head: [UInt8]) -> String? {
        if head.starts(with: Array("#!".utf8)) { return nil }
        guard head.starts(with: [0x7F] + Array("ELF".utf8)), head.count >= 20 else { return "it is neither an ELF file nor a script" }
        let machine = Int(head[18]) | Int(head[19]) << 8
        return machine == 62 ? nil : "its ELF machine is \(machine), and x86-64 is 62"
    }
}
