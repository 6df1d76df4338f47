/// Redacts a stream of bytes that arrives in pieces of any size, such as a console's log. It writes whole lines and holds the last one back until it is whole,
/// at most 64 KiB of it.
public struct RedactingStream: Sendable {
    private let redactor: Redactor
    private var held: [UInt8] = []
    private var block = KeyBlock()
    /// Whether the rest of the line belongs to a secret that was longer than what is held back.
    private var isSwallowing = false

    static let limit = 65_536
    /// What stays behind when a line must be cut: no shape's beginning and few values are longer.
    private static let overlap = 4096

    /// A stream at its beginning.
    public init(redactor: Redactor) { self.redactor = redactor }

    /// Takes the next bytes.
    /// - Returns: What may be written now.
    public mutating func feed(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let before = held.count
        held += bytes
        var output: [UInt8] = []
        // What was held has no newline; looking through it for every byte that comes would take long.
        if let newline = held[before...].lastIndex(of: UInt8(ascii: "\n")) { output += take(newline + 1) }
        if held.count > Self.limit { output += cut() }
        return output
    }

    /// Ends the stream.
    /// - Returns: The rest.
    public mutating func finish() -> [UInt8] { take(held.count) }

    /// Whole lines, or the end.
    private mutating func take(_ count: Int) -> [UInt8] {
        var part = Array(held[..<count])
        held.removeFirst(count)
        if isSwallowing {
            let end = part.firstIndex(of: UInt8(ascii: "\n"))
            part.removeFirst(end ?? part.count)
            isSwallowing = end == nil
        }
        return part.withUnsafeBufferPointer { $0.replacing(redactor.spans($0, &block)) }
    }

    /// A part of a line that is too long to be held, up to a place that lies in no secret.
    private mutating func cut() -> [UInt8] {
        if isSwallowing {
            held = []
            return []
        }
        var line = block
        let redactor = redactor
        let (output, end, isInSecret) = held.withUnsafeBufferPointer { text -> ([UInt8], Int, Bool) in
            let spans = redactor.spans(text, &line)
            var end = text.count - Self.overlap
            for span in spans.reversed() where span.context < end && end < span.end { end = span.context }
            if end > 0 { return (text.replacing(spans.filter { $0.end <= end }, upTo: end), end, false) }
            // The secret fills all that is held.
            return (text.replacing(spans), text.count, true)
        }
        held.removeFirst(end)
        isSwallowing = isInSecret
        if isInSecret { block = line }
        return output
    }
}
