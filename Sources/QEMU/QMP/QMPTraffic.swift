public import FoundationEssentials

/// One line of a QMP conversation, for a transcript.
public struct QMPTraffic: Sendable {
    /// Who said it.
    public enum Direction: String, Sendable {
        /// From us to QEMU.
        case sent
        /// From QEMU to us.
        case received
    }

    /// Who said it.
    public var direction: Direction
    /// The line without its end. What QEMU sent may be anything; what is not UTF-8 is replaced.
    public var line: String
    /// When, by this process's clock.
    public var time: Date

    /// The line as one object of a JSON Lines file: `{"time":SECONDS,"direction":"sent","message":…}`. A line that is not JSON becomes a
    /// string.
    public var jsonLine: String {
        let message = (try? JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))) ?? .string(line)
        let members: [String: JSONValue] = [
            "time": .number(time.timeIntervalSince1970), "direction": .string(direction.rawValue), "message": message,
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(members)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
