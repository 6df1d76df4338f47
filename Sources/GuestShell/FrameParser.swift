import Glibc

/// Cuts one command's output out of the raw byte stream of an output port.
///
/// The stream is `… stray bytes … BEGIN payload END trailer`. The payload is raw: every byte value may occur, and a part of a mark that turns out to be none
/// is payload. The trailer is four bytes: `e` or `s` (exit or signal) and the shell's status in three digits.
struct FrameParser: Sendable {
    /// What the worker wrote behind the closing mark.
    struct Trailer: Equatable, Sendable {
        /// Whether the status stands for a signal (status - 128) rather than an exit.
        var signalled: Bool
        /// The status as the shell saw it, 0 to 255.
        var status: Int

        static let length = 4

        /// Reads the four bytes; nil when they are not a trailer.
        init?(_ bytes: some Sequence<UInt8>) {
            let bytes = Array(bytes)
            guard bytes.count == Self.length, let digits = Int(String(decoding: bytes[1...], as: UTF8.self)), (0...255).contains(digits)
            else {
                return nil
            }
            switch bytes[0] {
            case UInt8(ascii: "e"): signalled = false
            case UInt8(ascii: "s"): signalled = true
            default: return nil
            }
            status = digits
        }
    }

    /// The bytes behind a closing mark were no trailer: the guest's side of the port is not ours any more.
    struct Corrupt: Error, Equatable {}

    private enum State: Sendable {
        case idle
        case seeking(begin: [UInt8], end: [UInt8])
        case payload(end: [UInt8])
    }

    /// The opening mark of the frame after this one; the worker writes it as soon as it has opened the port again, long before anybody asks.
    private var next: [UInt8] = []

    private var state = State.idle
    /// Bytes that may be the start of a mark or its trailer, and between two frames what came behind the first.
    private var carry: [UInt8] = []

    init() {}

    /// Makes the parser wait for a frame on a port that the worker was just told to open.
    mutating func expect(begin: Mark, end: Mark, next: Mark) {
        carry = []
        state = .seeking(begin: begin.bytes, end: end.bytes)
        self.next = next.bytes
    }

    /// Makes the parser wait for the frame that follows the last one, whose opening mark was given with that one.
    mutating func proceed(end: Mark, next: Mark) {
        if case .seeking(let begin, _) = state { state = .seeking(begin: begin, end: end.bytes) }
        self.next = next.bytes
    }

    /// Lets the current frame end at another mark: its worker died, and what is still under way ends where the mark of a later command stands.
    mutating func retarget(end: Mark) {
        switch state {
        case .idle: break
        case .seeking(let begin, _): state = .seeking(begin: begin, end: end.bytes)
        case .payload: state = .payload(end: end.bytes)
        }
    }

    /// Takes the next bytes of the stream.
    ///
    /// - Parameters:
    ///   - chunk: bytes as they came; frames may be cut anywhere.
    ///   - emit: receives payload, in order, never empty.
    /// - Returns: the trailer once the frame is complete. What follows it in the same chunk may hold the next frame's opening mark and is kept.
    /// - Throws: ``Corrupt`` when a closing mark is not followed by a trailer.
    mutating func feed(_ chunk: UnsafeRawBufferPointer, emit: (UnsafeRawBufferPointer) -> Void) throws(Corrupt) -> Trailer? {
        if case .idle = state { return nil }
        if carry.isEmpty { return try scan(chunk, emit: emit) }
        var joined = carry
        carry = []
        joined.append(contentsOf: chunk)
        let result = joined.withUnsafeBytes { bytes in Result { () throws(Corrupt) in try scan(bytes, emit: emit) } }
        return try result.get()
    }

    private mutating func scan(_ bytes: UnsafeRawBufferPointer, emit: (UnsafeRawBufferPointer) -> Void) throws(Corrupt) -> Trailer? {
        var rest = bytes
        if case .seeking(let begin, let end) = state {
            guard let found = Self.find(begin, in: rest) else {
                carry = Array(rest.suffix(Self.possiblePrefix(of: begin, atEndOf: rest)))
                return nil
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[(found + begin.count)...])
            state = .payload(end: end)
        }
        guard case .payload(let end) = state else { return nil }
        guard let found = Self.find(end, in: rest) else {
            let held = Self.possiblePrefix(of: end, atEndOf: rest)
            if rest.count > held { emit(UnsafeRawBufferPointer(rebasing: rest.dropLast(held))) }
            carry = Array(rest.suffix(held))
            return nil
        }
        let behind = rest[(found + end.count)...]
        if found > 0 { emit(UnsafeRawBufferPointer(rebasing: rest[..<found])) }
        guard behind.count >= Trailer.length else {
            carry = Array(rest[found...])
            return nil
        }
        guard let trailer = Trailer(behind.prefix(Trailer.length)) else {
            state = .idle
            throw Corrupt()
        }
        state = .seeking(begin: next, end: [])
        carry = Array(behind.dropFirst(Trailer.length))
        return trailer
    }

    /// Where `needle` starts in `bytes`. `memchr` and `memcmp` of the C library: a loop in Swift is 50 times slower in a debug build.
    private static func find(_ needle: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, bytes.count >= needle.count else { return nil }
        return needle.withUnsafeBytes { pattern in
            guard let start = pattern.baseAddress else { return nil }
            let last = bytes.count - pattern.count
            var offset = 0
            while offset <= last, let hit = memchr(base + offset, Int32(pattern[0]), last - offset + 1) {
                offset = UnsafeRawPointer(hit) - base
                if memcmp(hit, start, pattern.count) == 0 { return offset }
                offset += 1
            }
            return nil
        }
    }

    /// How many bytes at the end may be the start of `needle` and must wait for what follows; all others can go out at once.
    private static func possiblePrefix(of needle: [UInt8], atEndOf bytes: UnsafeRawBufferPointer) -> Int {
        var length = min(needle.count - 1, bytes.count)
        while length > 0 {
            if bytes.suffix(length).elementsEqual(needle.prefix(length)) { return length }
            length -= 1
        }
        return 0
    }
}
