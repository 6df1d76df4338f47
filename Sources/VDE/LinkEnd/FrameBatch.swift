import CVDEPlug
import Glibc

/// The frames of one system call, in memory that is used again and again. A thread has one for all its ends.
///
/// Pages of it that no frame has touched take no memory.
final class FrameBatch {
    /// How many frames one call takes.
    static let capacity = 64
    /// The most bytes of a frame: what libvdeplug allows for jumbo frames, with a tag. A longer one is dropped where it is read.
    static let frameLimit = 9234
    /// The distance of two frames in memory.
    private static let stride = 9280

    private let memory: UnsafeMutableRawPointer
    private let vectors: UnsafeMutablePointer<cvdeplug_vector>
    private let messages: UnsafeMutablePointer<cvdeplug_message>
    private let batch: UnsafeMutablePointer<cvdeplug_batch>

    init() {
        memory = .allocate(byteCount: Self.capacity * Self.stride, alignment: 64)
        vectors = .allocate(capacity: Self.capacity)
        messages = .allocate(capacity: Self.capacity)
        batch = .allocate(capacity: 1)
        for index in 0..<Self.capacity {
            (vectors + index).initialize(to: cvdeplug_vector())
            (messages + index).initialize(to: cvdeplug_message())
            messages[index].header.vectors = UnsafeMutableRawPointer(vectors + index)
            messages[index].header.vector_count = 1
        }
        let capacity = UInt32(Self.capacity)
        batch.initialize(
            to: cvdeplug_batch(
                memory: memory.assumingMemoryBound(to: CChar.self), vectors: vectors, messages: messages, stride: Self.stride,
                limit: Self.frameLimit, capacity: capacity, count: 0, oversized: 0, changed: capacity, bytes: 0))
    }

    deinit {
        batch.deallocate()
        messages.deallocate()
        vectors.deallocate()
        memory.deallocate()
    }

    /// How many frames are in it.
    var count: Int { Int(batch.pointee.count) }
    /// How many of the last call's frames were longer than ``frameLimit`` and were left out.
    var oversized: Int { Int(batch.pointee.oversized) }

    /// A frame's bytes; valid until the next ``receive(from:)``. They may be changed.
    subscript(index: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: vectors[index].base, count: vectors[index].length)
    }

    /// Some frames and their bytes.
    func size(_ frames: Range<Int>) -> FrameCount {
        if frames.count == count { return FrameCount(frames: count, bytes: batch.pointee.bytes) }
        return FrameCount(
            frames: frames.count, bytes: cvdeplug_batch_bytes(batch, UInt32(frames.lowerBound), UInt32(frames.upperBound)))
    }

    /// Empties the batch, to fill it with ``append(_:)``.
    func clear() { (batch.pointee.count, batch.pointee.oversized, batch.pointee.bytes) = (0, 0, 0) }

    /// Copies a frame of at most ``frameLimit`` bytes to the end of the batch, which must have room.
    func append(_ frame: [UInt8]) { frame.withUnsafeBytes { append($0) } }

    /// The same for a frame of another batch.
    func append(_ frame: UnsafeRawBufferPointer) {
        let slot = memory + count * Self.stride
        if let base = frame.baseAddress { slot.copyMemory(from: base, byteCount: frame.count) }
        vectors[count] = cvdeplug_vector(base: slot, length: frame.count)
        batch.pointee.count += 1
        batch.pointee.bytes += frame.count
        batch.pointee.changed = max(batch.pointee.changed, batch.pointee.count)
    }

    /// Reads what is there, without waiting.
    ///
    /// - Returns: 0, or the number of the error.
    func receive(from descriptor: Int32) -> Int32 {
        cvdeplug_batch_receive(batch, descriptor, Int32(MSG_DONTWAIT), Int32(MSG_TRUNC)) >= 0 ? 0 : errno
    }

    /// Gives what comes from one socket to another, without waiting, as long as both keep up.
    ///
    /// - Returns: what came, how many were too long, and how many of the frames that are still in the batch were taken; those before were.
    func relay(from source: Int32, to sink: Int32, turns: Int) -> (received: FrameCount, oversized: Int, taken: Int) {
        let relay = cvdeplug_batch_relay(
            batch, source, sink, UInt32(turns), Int32(MSG_DONTWAIT), Int32(MSG_NOSIGNAL), Int32(MSG_TRUNC))
        return (FrameCount(frames: relay.frames, bytes: relay.bytes), relay.oversized, Int(relay.taken))
    }

    /// Sends frames from a place on, without waiting.
    ///
    /// - Returns: how many the socket took, or the number of the error of the first.
    func send(to descriptor: Int32, from first: Int) -> Result<Int, SocketError> {
        let sent = cvdeplug_send(descriptor, messages + first, UInt32(count - first), Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        return sent >= 0 ? .success(Int(sent)) : .failure(SocketError(code: errno))
    }
}

/// The number of a socket's error.
struct SocketError: Error {
    var code: Int32
}
