import FoundationEssentials

extension LabEvent {
    // One of each for the whole process: making one costs more than using it.
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }()

    private static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }()

    private struct Payload: Encodable {
        var kind: Kind
        func encode(to encoder: any Encoder) throws { try kind.payload.encode(to: encoder) }
    }

    private struct Line: Decodable {
        var event: LabEvent?
        init(from decoder: any Decoder) throws { event = try isKnown(decoder) ? LabEvent(from: decoder) : nil }
    }

    /// The time as the JSON form has it: UTC, ISO 8601 with milliseconds.
    public var timeText: String { EventTime.text(time) }

    /// The event as one line of JSON without its end: the header's fields first, then the payload's by name.
    public func jsonLine() -> [UInt8] {
        var line = Array("{\"v\":\(Self.schemaVersion),\"seq\":\(sequence),\"time\":\"".utf8)
        line += timeText.utf8
        line += "\",\"severity\":\"\(severity.rawValue)\",\"type\":\"\(kind.type)\"".utf8
        if let node {
            line += ",\"node\":".utf8
            line += JSONText.quoted(node)
        }
        // Strings, numbers (infinite ones too) and lists of strings cannot fail to encode.
        let payload = (try? Self.encoder.encode(Payload(kind: kind))) ?? Data("{}".utf8)
        if payload.count > 2 { line.append(UInt8(ascii: ",")) }
        line += payload.dropFirst()
        return line
    }

    /// Reads one line of JSON.
    /// - Returns: nil for an event of a type that this program does not know; a reader skips it.
    /// - Throws: A ``Problem`` of kind `invalidInput` when the line is no event, or of a newer version of the form.
    public static func decode(jsonLine line: some Collection<UInt8>) throws(Problem) -> LabEvent? {
        do {
            return try decoder.decode(Line.self, from: Data(line)).event
        } catch {
            throw Problem(
                .invalidInput, "a line is no event", why: reason(error), remedy: "read it with the version of vmlab that wrote it")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .dataCorrupted(let context): context.debugDescription
        case .keyNotFound(let key, _): "it has no '\(key.stringValue)'"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' is of the wrong type"
        default: "\(error)"
        }
    }
}
