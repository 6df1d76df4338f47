import Glibc
public import LabEvents

/// Reads a capture of the form of pcap-savefile(5) from its beginning to its end, in pieces: of either byte order, with times in micro- or nanoseconds.
///
/// A file that is still written to, or whose writer was killed, ends with its last whole frame.
public struct PcapReader: ~Copyable {
    private static let pieceSize = 64 << 10
    /// More than any frame has; a length beyond it is damage.
    private static let frameLimit = 1 << 20

    /// The file.
    public let path: String
    /// Whether the file ended inside of a frame, or what followed was no frame. Known once ``next()`` gave nil.
    public private(set) var isCutShort = false
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: pieceSize)
    /// Where what was not taken begins in the buffer, and where it ends.
    private var (place, end) = (0, 0)
    private var isSwapped = false
    private var nanosecondsPerUnit: Int64 = 1

    /// Opens the file and reads its header.
    ///
    /// - Throws: a problem of kind `failure` when it cannot be read, or is no capture of Ethernet frames.
    public init(path: String) throws(Problem) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.problem(path, String(cString: strerror(errno))) }
        guard try fill(24) else { throw Self.problem(path, "it has \(end) bytes, and the header alone has 24") }
        let magic = word(0)
        switch magic {
        case 0xA1B2_C3D4: nanosecondsPerUnit = 1000
        case 0xA1B2_3C4D: nanosecondsPerUnit = 1
        case 0xD4C3_B2A1: (isSwapped, nanosecondsPerUnit) = (true, 1000)
        case 0x4D3C_B2A1: (isSwapped, nanosecondsPerUnit) = (true, 1)
        default: throw Self.problem(path, "its first word is \(String(magic, radix: 16)), which is not that of a pcap file")
        }
        // The upper bits may tell of check sequences.
        let type = word(20) & 0xFFFF
        guard type == 1 else { throw Self.problem(path, "its link type is \(type) instead of 1, Ethernet") }
        place += 24
    }

    deinit { if descriptor >= 0 { _ = close(descriptor) } }

    /// The next frame; nil after the last whole one.
    ///
    /// - Throws: a problem when the file cannot be read.
    public mutating func next() throws(Problem) -> CapturedFrame? {
        guard !isCutShort, try fill(16) else {
            if end > place { isCutShort = true }
            return nil
        }
        let (kept, length) = (Int(word(8)), Int(word(12)))
        guard kept <= Self.frameLimit, try fill(16 + kept) else {
            isCutShort = true
            return nil
        }
        let time = Int64(word(0)) * 1_000_000_000 + Int64(word(4)) * nanosecondsPerUnit
        let start = place + 16
        place = start + kept
        return CapturedFrame(time: time, bytes: Array(buffer[start..<place]), length: length)
    }

    /// A word at so many bytes from the place.
    private func word(_ offset: Int) -> UInt32 {
        let value = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place + offset, as: UInt32.self) }
        return isSwapped ? value.byteSwapped : value
    }

    /// Reads on until so many bytes lie ahead.
    ///
    /// - Returns: whether the file has them.
    private mutating func fill(_ wanted: Int) throws(Problem) -> Bool {
        guard end - place < wanted else { return true }
        let (old, rest, descriptor) = (place, end - place, descriptor)
        if wanted > buffer.count { buffer += [UInt8](repeating: 0, count: wanted) }
        buffer.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            memmove(base, base + old, rest)
        }
        (place, end) = (0, rest)
        while end < wanted {
            let start = end
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.problem(path, String(cString: strerror(errno))) }
            if count == 0 { return false }
            end += count
        }
        return true
    }

    private static func problem(_ path: String, _ why: String) -> Problem {
        Problem(.failure, "a capture cannot be read", location: path, why: why)
    }
}
