import Glibc
public import LabEvents

/// Writes a capture with the frames of several interfaces (IETF draft-ietf-opsawg-pcapng), for tshark and Wireshark: one section, an interface description
/// block for each interface with its name, an enhanced packet block for each frame with its time in nanoseconds. Integers are in the host's byte order.
public struct PcapngFile: ~Copyable {
    private enum Block {
        static let section: UInt32 = 0x0A0D_0D0A
        static let interface: UInt32 = 1
        static let frame: UInt32 = 6
    }

    private enum Option {
        static let end: UInt16 = 0
        static let interfaceName: UInt16 = 2
        static let application: UInt16 = 4
        static let timeResolution: UInt16 = 9
    }

    private static let blockSize = 256 << 10

    /// The file.
    public let path: String
    private let descriptor: Int32
    private let interfaces: Int
    private var buffer: [UInt8] = []

    /// Makes the file, or empties it, readable by its user alone.
    ///
    /// - Parameter interfaces: their names; frames name them by their places.
    /// - Throws: a problem when it cannot be made; of kind `environment` when the disk is full.
    public init(path: String, interfaces: [String]) throws(Problem) {
        (self.path, self.interfaces) = (path, interfaces.count)
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.problem(path, errno) }
        // The byte order mark, version 1.0, and a length that is not told.
        var section = Self.bytes(0x1A2B_3C4D as UInt32) + Self.bytes(1 as UInt16) + Self.bytes(0 as UInt16) + Self.bytes(-1 as Int64)
        section += Self.option(Option.application, Array("vmlab".utf8)) + Self.option(Option.end, [])
        add(Block.section, section)
        for name in interfaces {
            // 1 is LINKTYPE_ETHERNET; frames have any length.
            let description = Self.bytes(1 as UInt16) + Self.bytes(0 as UInt16) + Self.bytes(0 as UInt32)
            let options =
                Self.option(Option.interfaceName, Array(name.utf8)) + Self.option(Option.timeResolution, [9]) + Self.option(Option.end, [])
            add(Block.interface, description + options)
        }
    }

    deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

    /// Adds a frame.
    ///
    /// - Parameter interface: the place of its interface's name.
    /// - Throws: a problem when what was added before cannot be written; of kind `environment` when the disk is full.
    public mutating func append(_ frame: CapturedFrame, interface: Int) throws(Problem) {
        let time = UInt64(bitPattern: frame.time)
        let length = UInt32(32 + (frame.bytes.count + 3) / 4 * 4)
        for word in [
            Block.frame, length, UInt32(interface), UInt32(time >> 32), UInt32(truncatingIfNeeded: time), UInt32(frame.bytes.count),
            UInt32(frame.length),
        ] {
            withUnsafeBytes(of: word) { buffer += $0 }
        }
        buffer += frame.bytes
        buffer += repeatElement(0, count: Int(length) - 32 - frame.bytes.count)
        withUnsafeBytes(of: length) { buffer += $0 }
        if buffer.count >= Self.blockSize { try write() }
    }

    /// Writes out what is kept in memory.
    ///
    /// - Throws: a problem when it cannot be written; of kind `environment` when the disk is full.
    public mutating func finish() throws(Problem) { try write() }

    private mutating func add(_ type: UInt32, _ body: [UInt8]) {
        let length = Self.bytes(UInt32(12 + body.count))
        buffer += Self.bytes(type) + length + body + length
    }

    private mutating func write() throws(Problem) {
        var place = 0
        while place < buffer.count {
            let count = buffer.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + place }, $0.count - place) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.problem(path, errno) }
            place += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private static func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
        bytes(code) + bytes(UInt16(value.count)) + value + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    private static func problem(_ path: String, _ code: Int32) -> Problem {
        let why = String(cString: strerror(code))
        guard code == ENOSPC || code == EDQUOT else { return Problem(.failure, "cannot write a capture", location: path, why: why) }
        return .environment(.diskFull, "no space for a capture", location: path, why: why, remedy: "free some space there")
    }
}
