import Glibc

/// A part of a text that is replaced.
struct Span {
    /// The first byte that is replaced.
    var start: Int
    /// The byte after the last.
    var end: Int
    /// The first byte that must be seen to know that this is a secret: the key in `key=value`.
    var context: Int
    /// What takes its place.
    var mark: [UInt8]

    init(_ start: Int, _ end: Int, _ mark: [UInt8], context: Int? = nil) {
        (self.start, self.end, self.mark, self.context) = (start, end, mark, min(context ?? start, start))
    }

    /// The spans in their order, with those that overlap made one.
    static func merged(_ spans: [Span]) -> [Span] {
        guard spans.count > 1 else { return spans }
        var result: [Span] = []
        for span in spans.sorted(by: { ($0.start, $1.end) < ($1.start, $0.end) }) {
            if let last = result.last, span.start < last.end {
                result[result.count - 1].end = max(last.end, span.end)
                result[result.count - 1].context = min(last.context, span.context)
            } else {
                result.append(span)
            }
        }
        return result
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The part with the spans replaced, which are in order and apart.
    func replacing(_ spans: [Span], upTo limit: Int? = nil) -> [UInt8] {
        let limit = limit ?? count
        var result: [UInt8] = []
        result.reserveCapacity(limit)
        var position = 0
        for span in spans where span.start < limit {
            result.append(contentsOf: self[position..<span.start])
            result.append(contentsOf: span.mark)
            position = span.end
        }
        if position < limit { result.append(contentsOf: self[position..<limit]) }
        return result
    }

    /// Where a pattern is first found.
    func firstIndex(of pattern: [UInt8], from start: Int) -> Int? {
        var place = start
        while let found = firstIndex(of: pattern[0], from: place) {
            if matches(pattern, at: found) { return found }
            place = found + 1
        }
        return nil
    }

    /// Where a byte is first found.
    func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        guard start < count, let base = baseAddress else { return nil }
        return memchr(base + start, Int32(byte), count - start).map { UnsafeRawPointer($0) - UnsafeRawPointer(base) }
    }

    /// Whether a pattern stands at a place.
    func matches(_ pattern: [UInt8], at start: Int) -> Bool {
        guard start + pattern.count <= count, let base = baseAddress else { return false }
        return memcmp(base + start, pattern, pattern.count) == 0
    }

    /// Whether a pattern of lower-case letters stands at a place, in capitals or not.
    func matchesLetters(_ pattern: [UInt8], at start: Int) -> Bool {
        guard start + pattern.count <= count else { return false }
        for offset in 0..<pattern.count where self[start + offset].lowercase != pattern[offset] { return false }
        return true
    }

    /// The first place from `start` on, and before `limit`, that a condition does not hold at.
    @inline(__always) func end(from start: Int, limit: Int? = nil, while condition: (UInt8) -> Bool) -> Int {
        let limit = Swift.min(limit ?? count, count)
        var index = start
        while index < limit, condition(self[index]) { index += 1 }
        return index
    }
}

extension UInt8 {
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isUppercase: Bool { self >= 0x41 && self <= 0x5A }
    var isLetter: Bool { lowercase >= 0x61 && lowercase <= 0x7A }
    var isHexadecimal: Bool { isDigit || (lowercase >= 0x61 && lowercase <= 0x66) }
    var isBlank: Bool { self == 0x20 || self == 0x09 }
    var isSpace: Bool { isBlank || self == 0x0A || self == 0x0D }
    var isQuote: Bool { self == UInt8(ascii: "\"") || self == UInt8(ascii: "'") }
    /// Part of a name in an assignment.
    var isName: Bool { isLetter || isDigit || self == UInt8(ascii: "_") || self == UInt8(ascii: "-") || self == UInt8(ascii: ".") }
    /// Of base64's alphabet, its padding included.
    var isBase64: Bool { isLetter || isDigit || self == UInt8(ascii: "+") || self == UInt8(ascii: "/") || self == UInt8(ascii: "=") }
    /// Of base64url's alphabet.
    var isBase64URL: Bool { isLetter || isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: "_") }
    var lowercase: UInt8 { isUppercase ? self | 0x20 : self }
}
