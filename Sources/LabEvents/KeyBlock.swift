/// Finds private keys in PEM form (RFC 7468) line by line, and remembers between two pieces of a text that one has begun.
///
/// The lines of a key look like nothing in particular, so each line after a BEGIN that could be one is taken, until its END or until it is clear that the key
/// broke off.
struct KeyBlock: Sendable {
    private(set) var isOpen = false
    private var lines = 0
    private var misses = 0

    static let mark = Array("[redacted:private-key]".utf8)
    /// Rarer than BEGIN, which certificates have as well.
    static let sign = Array("PRIVATE KEY".utf8)
    private static let begin = Array("-----BEGIN ".utf8)
    private static let end = Array("-----END ".utf8)
    private static let dashes = Array("-----".utf8)

    /// The parts of a text that belong to private keys.
    mutating func spans(_ text: UnsafeBufferPointer<UInt8>) -> [Span] {
        guard isOpen || text.firstIndex(of: Self.sign, from: 0) != nil else { return [] }
        var spans: [Span] = []
        var start = 0
        while start < text.count {
            let end = text.firstIndex(of: UInt8(ascii: "\n"), from: start) ?? text.count
            var content = end
            if content > start, text[content - 1] == UInt8(ascii: "\r") { content -= 1 }
            scan(text, start, content, &spans)
            start = end + 1
        }
        return spans
    }

    private mutating func scan(_ text: UnsafeBufferPointer<UInt8>, _ lineStart: Int, _ lineEnd: Int, _ spans: inout [Span]) {
        var start = lineStart
        while start < lineEnd {
            if isOpen {
                lines += 1
                if let close = Self.marker(Self.end, text, start, lineEnd) {
                    isOpen = false
                    spans.append(Span(start, close.end, Self.mark))
                    start = close.end
                    continue
                }
                if Self.couldBeKey(text, start, lineEnd) {
                    misses = 0
                    spans.append(Span(start, lineEnd, Self.mark))
                } else {
                    misses += 1
                }
                // A key of 16384 bits has about 200 lines.
                if misses > 8 || lines > 512 { isOpen = false }
                return
            }
            if let open = Self.marker(Self.begin, text, start, lineEnd) {
                (isOpen, lines, misses) = (true, 0, 0)
                let close = Self.marker(Self.end, text, open.end, lineEnd)
                if close != nil { isOpen = false }
                spans.append(Span(open.start, close?.end ?? lineEnd, Self.mark))
                start = close?.end ?? lineEnd
            } else if let close = Self.marker(Self.end, text, start, lineEnd) {
                takeBack(text, lineStart, &spans)
                spans.append(Span(start, close.end, Self.mark))
                start = close.end
            } else {
                return
            }
        }
    }

    /// The lines before an END whose BEGIN was cut away, as the last lines of an output are.
    private func takeBack(_ text: UnsafeBufferPointer<UInt8>, _ lineStart: Int, _ spans: inout [Span]) {
        var end = lineStart - 1
        while end > 0 {
            var start = end
            while start > 0, text[start - 1] != UInt8(ascii: "\n") { start -= 1 }
            guard Self.couldBeKey(text, start, end) else { return }
            spans.append(Span(start, end, Self.mark))
            end = start - 1
        }
    }

    /// Where `-----BEGIN … PRIVATE KEY…-----` or the like is. A line may have certificates before it, as JSON writes a whole file in one.
    private static func marker(_ lead: [UInt8], _ text: UnsafeBufferPointer<UInt8>, _ from: Int, _ to: Int) -> (start: Int, end: Int)? {
        let line = UnsafeBufferPointer(rebasing: text[..<to])
        var place = from
        while let sign = line.firstIndex(of: sign, from: place) {
            place = sign + Self.sign.count
            let near = UnsafeBufferPointer(rebasing: line[..<min(to, place + 24)])
            guard let close = near.firstIndex(of: dashes, from: place) else { continue }
            let candidates = max(from, sign - 48)..<sign
            if let start = candidates.last(where: { line.matches(lead, at: $0) }) { return (start, close + dashes.count) }
        }
        return nil
    }

    /// Whether a line has 16 or more characters of base64 on end, or nothing but such characters, or is one of the headers of an old encrypted key.
    private static func couldBeKey(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var run = 0
        var longest = 0
        var others = 0
        for index in start..<end {
            if text[index].isBase64 {
                run += 1
                longest = max(longest, run)
            } else {
                run = 0
                if !text[index].isBlank { others += 1 }
            }
        }
        if longest >= 16 || (others == 0 && longest > 0) { return true }
        let header = UnsafeBufferPointer(rebasing: text[start..<end])
        return header.matches(Array("Proc-Type:".utf8), at: 0) || header.matches(Array("DEK-Info:".utf8), at: 0)
    }
}
