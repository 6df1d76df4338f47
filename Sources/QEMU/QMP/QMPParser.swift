import FoundationEssentials

/// Turns QEMU's bytes into messages. Pure: bytes may come split anywhere, and no input makes it fail, only report a malformed line.
public struct QMPParser: Sendable {
    /// The most bytes of one line, 16 MiB by default. A longer line is reported once and skipped to its end.
    public let lineLimit: Int
    private var pending: [UInt8] = []
    private var isSkipping = false

    /// A parser with a limit for one line in bytes.
    public init(lineLimit: Int = 16 << 20) {
        self.lineLimit = lineLimit
    }

    /// Takes more bytes and returns the messages that they complete, in order, each with its line (without the line end).
    public mutating func append(_ bytes: some Collection<UInt8>) -> [(line: [UInt8], message: QMPMessage)] {
        var messages: [(line: [UInt8], message: QMPMessage)] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            take(rest[..<end], into: &messages)
            if !isSkipping, let message = Self.message(of: pending) { messages.append((pending, message)) }
            pending.removeAll(keepingCapacity: pending.capacity <= 1 << 16)
            isSkipping = false
            rest = rest[rest.index(after: end)...]
        }
        take(rest, into: &messages)
        return messages
    }

    private mutating func take(_ bytes: some Collection<UInt8>, into messages: inout [(line: [UInt8], message: QMPMessage)]) {
        guard !isSkipping, !bytes.isEmpty else { return }
        guard pending.count + bytes.count <= lineLimit else {
            let start = Array((pending.prefix(200) + bytes.prefix(200)).prefix(200))
            messages.append((start, .malformed(reason: "longer than \(lineLimit) bytes", excerpt: Self.excerpt(start))))
            pending = []
            isSkipping = true
            return
        }
        pending.append(contentsOf: bytes)
    }

    /// What one line means; nil for an empty one, which QEMU's line end CR LF makes of nothing.
    private static func message(of line: [UInt8]) -> QMPMessage? {
        guard line.contains(where: { ![0x20, 0x09, 0x0d].contains($0) }) else { return nil }
        // The decoder recurses; QEMU's own deepest answers (query-qmp-schema, block graphs) stay far below this.
        guard depth(of: line) <= 128 else { return .malformed(reason: "nested too deeply", excerpt: excerpt(line)) }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(line)) else {
            return .malformed(reason: "not JSON", excerpt: excerpt(line))
        }
        guard case .malformed(let reason, _) = QMPMessage(value) else { return QMPMessage(value) }
        return .malformed(reason: reason, excerpt: excerpt(line))
    }

    /// The deepest nesting of brackets, those inside strings not counted.
    private static func depth(of line: [UInt8]) -> Int {
        var depth = 0
        var deepest = 0
        var inString = false
        var isEscaped = false
        for byte in line {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where inString: isEscaped = true
            case UInt8(ascii: "\""): inString.toggle()
            case UInt8(ascii: "{") where !inString, UInt8(ascii: "[") where !inString:
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}") where !inString, UInt8(ascii: "]") where !inString: depth -= 1
            default: break
            }
        }
        return deepest
    }

    private static func excerpt(_ line: [UInt8]) -> String {
        String(decoding: line.prefix(200), as: UTF8.self)
    }
}
