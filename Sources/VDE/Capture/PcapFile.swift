import Glibc
public import LabEvents
import Synchronization

/// A capture in the form of pcap-savefile(5), for tcpdump, tshark and Wireshark: Ethernet frames in the host's byte order.
///
/// Frames are written in blocks of 64 KiB; whoever reads the file while it grows calls ``flush()`` first. A file that can no longer be
/// written to ends there, with whole frames in it, and counts what it lacks.
public final class PcapFile: FrameTap {
    /// How exact the times are. Some old programs read microseconds alone.
    public enum Precision: Sendable {
        /// Magic number A1B2C3D4.
        case microseconds
        /// Magic number A1B23C4D.
        case nanoseconds
    }

    private struct State {
        let path: String
        var descriptor: Int32
        var buffer: [UInt8] = []
        var frames = 0
        /// How many of them are in memory alone.
        var unwritten = 0
        var missed = 0
        var problem: Problem?

        mutating func add(_ word: UInt32) { withUnsafeBytes(of: word) { buffer += $0 } }

        mutating func write() {
            guard problem == nil, descriptor >= 0 else { return buffer = [] }
            let start = lseek(descriptor, 0, SEEK_CUR)
            var place = 0
            while place < buffer.count {
                let count = buffer.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + place }, $0.count - place) }
                if count < 0, errno == EINTR { continue }
                if count < 0 {
                    problem = PcapFile.problem(path, errno)
                    // A part of a block would end inside a frame.
                    if start >= 0 { ftruncate(descriptor, start) }
                    frames -= unwritten
                    missed += unwritten
                    break
                }
                place += count
            }
            buffer.removeAll(keepingCapacity: true)
            unwritten = 0
        }
    }

    private static let blockSize = 64 << 10

    /// The file.
    public let path: String
    private let precision: Precision
    private let snapLength: Int
    private let state: Mutex<State>

    /// Makes the file, or empties it, readable by its user alone.
    ///
    /// - Parameters:
    ///   - path: the file's path.
    ///   - precision: how exact the times are.
    ///   - snapLength: how many bytes of a frame are kept; all of them by default.
    /// - Throws: a problem of kind `failure` when the file cannot be made.
    public init(path: String, precision: Precision = .nanoseconds, snapLength: Int = 262_144) throws(Problem) {
        (self.path, self.precision, self.snapLength) = (path, precision, max(1, min(snapLength, 262_144)))
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.problem(path, errno) }
        var state = State(path: path, descriptor: descriptor)
        state.add(precision == .nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4 as UInt32)
        // Version 2.4; the time zone and the exactness are always 0.
        for half: UInt16 in [2, 4] { withUnsafeBytes(of: half) { state.buffer += $0 } }
        // 1 is LINKTYPE_ETHERNET.
        for word in [0, 0, UInt32(self.snapLength), 1] { state.add(word) }
        state.write()
        if let problem = state.problem {
            Glibc.close(descriptor)
            throw problem
        }
        self.state = Mutex(state)
    }

    deinit { try? close() }

    /// How many frames were given to it and kept.
    public var frames: Int { state.withLock { $0.frames } }

    /// How many frames came after the file could no longer be written to.
    public var missed: Int { state.withLock { $0.missed } }

    /// Keeps a frame, whichever way it goes.
    public func see(_ frame: UnsafeRawBufferPointer, isFromEnd: Bool, time: Int64) {
        state.withLock { state in
            guard state.problem == nil, state.descriptor >= 0 else {
                state.missed += 1
                return
            }
            let kept = frame.prefix(snapLength)
            let rest = time % 1_000_000_000
            state.add(UInt32(truncatingIfNeeded: time / 1_000_000_000))
            state.add(UInt32(precision == .nanoseconds ? rest : rest / 1000))
            state.add(UInt32(kept.count))
            state.add(UInt32(frame.count))
            state.buffer += kept
            state.frames += 1
            state.unwritten += 1
            if state.buffer.count >= Self.blockSize { state.write() }
        }
    }

    /// Writes out what is kept in memory.
    ///
    /// - Throws: a problem when the file could not be written to, now or earlier.
    public func flush() throws(Problem) {
        let problem = state.withLock { state in
            state.write()
            return state.problem
        }
        if let problem { throw problem }
    }

    /// Writes out what is kept in memory, and closes the file. Frames that come later are missed.
    ///
    /// - Throws: a problem when the file could not be written to, now or earlier.
    public func close() throws(Problem) {
        let problem = state.withLock { state in
            state.write()
            if state.descriptor >= 0 { Glibc.close(state.descriptor) }
            state.descriptor = -1
            return state.problem
        }
        if let problem { throw problem }
    }

    private static func problem(_ path: String, _ code: Int32) -> Problem {
        Problem(.failure, "cannot write a capture", location: path, why: String(cString: strerror(code)))
    }
}
