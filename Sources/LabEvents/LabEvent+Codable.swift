import FoundationEssentials

extension LabEvent: Codable {
    private enum Header: String, CodingKey {
        case version = "v"
        case sequence = "seq"
        case time, severity, type, node
    }

    /// Reads the flat form; fields that it does not know are ignored. A type that it does not know is an error here and nil in ``decode(jsonLine:)``.
    /// - Throws: `DecodingError`.
    public init(from decoder: any Decoder) throws {
        let header = try decoder.container(keyedBy: Header.self)
        let version = try header.decode(Int.self, forKey: .version)
        guard version <= Self.schemaVersion else {
            throw DecodingError.dataCorruptedError(
                forKey: .version, in: header,
                debugDescription: "version \(version), and this program knows versions up to \(Self.schemaVersion)")
        }
        let time = try header.decode(String.self, forKey: .time)
        guard let date = EventTime.date(time) else {
            throw DecodingError.dataCorruptedError(forKey: .time, in: header, debugDescription: "'\(time)' is no time")
        }
        let type = try header.decode(String.self, forKey: .type)
        guard let kind = try Kind(type: type, from: decoder) else {
            throw DecodingError.dataCorruptedError(forKey: .type, in: header, debugDescription: "unknown type '\(type)'")
        }
        self.init(
            sequence: try header.decode(Int.self, forKey: .sequence), time: date,
            severity: try header.decode(Severity.self, forKey: .severity),
            node: try header.decodeIfPresent(String.self, forKey: .node), kind: kind)
    }

    /// Writes the flat form. ``jsonLine()`` is the same with the header's fields first.
    public func encode(to encoder: any Encoder) throws {
        var header = encoder.container(keyedBy: Header.self)
        try header.encode(Self.schemaVersion, forKey: .version)
        try header.encode(sequence, forKey: .sequence)
        try header.encode(timeText, forKey: .time)
        try header.encode(severity, forKey: .severity)
        try header.encode(kind.type, forKey: .type)
        try header.encodeIfPresent(node, forKey: .node)
        try kind.payload.encode(to: encoder)
    }

    /// Whether an object is an event of a type that this program knows.
    static func isKnown(_ decoder: any Decoder) throws -> Bool {
        let header = try decoder.container(keyedBy: Header.self)
        return try Kind.types.contains(header.decode(String.self, forKey: .type))
    }
}

extension LabEvent.Kind {
    /// The name of the kind in the JSON form, such as `runStarted`.
    public var type: String {
        switch self {
        case .runStarted: "runStarted"
        case .lab: "lab"
        case .image: "image"
        case .decision: "decision"
        case .node: "node"
        case .console: "console"
        case .machine: "machine"
        case .process: "process"
        case .phase: "phase"
        case .fault: "fault"
        case .step: "step"
        case .command: "command"
        case .message: "message"
        case .problem: "problem"
        case .takeover: "takeover"
        case .runFinished: "runFinished"
        }
    }

    static let types: Set<String> = [
        "runStarted", "lab", "image", "decision", "node", "console", "machine", "process", "phase", "fault", "step", "command", "message",
        "problem", "takeover", "runFinished",
    ]

    var payload: any Encodable {
        switch self {
        case .runStarted(let payload): payload
        case .lab(let payload): payload
        case .image(let payload): payload
        case .decision(let payload): payload
        case .node(let payload): payload
        case .console(let payload): payload
        case .machine(let payload): payload
        case .process(let payload): payload
        case .phase(let payload): payload
        case .fault(let payload): payload
        case .step(let payload): payload
        case .command(let payload): payload
        case .message(let payload): payload
        case .problem(let payload): payload
        case .takeover(let payload): payload
        case .runFinished(let payload): payload
        }
    }

    init?(type: String, from decoder: any Decoder) throws {
        switch type {
        case "runStarted": self = .runStarted(try .init(from: decoder))
        case "lab": self = .lab(try .init(from: decoder))
        case "image": self = .image(try .init(from: decoder))
        case "decision": self = .decision(try .init(from: decoder))
        case "node": self = .node(try .init(from: decoder))
        case "console": self = .console(try .init(from: decoder))
        case "machine": self = .machine(try .init(from: decoder))
        case "process": self = .process(try .init(from: decoder))
        case "phase": self = .phase(try .init(from: decoder))
        case "fault": self = .fault(try .init(from: decoder))
        case "step": self = .step(try .init(from: decoder))
        case "command": self = .command(try .init(from: decoder))
        case "message": self = .message(try .init(from: decoder))
        case "problem": self = .problem(try .init(from: decoder))
        case "takeover": self = .takeover(try .init(from: decoder))
        case "runFinished": self = .runFinished(try .init(from: decoder))
        default: return nil
        }
    }
}

extension LabEvent.ProblemReport {
    /// Reads the problem's parts from the event's own object.
    public init(from decoder: any Decoder) throws { self.init(try Problem(from: decoder)) }

    /// Writes the problem's parts into the event's own object.
    public func encode(to encoder: any Encoder) throws { try problem.encode(to: encoder) }
}
