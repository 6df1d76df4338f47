/// One line that QEMU sent, understood. Source of the forms: QEMU's docs/interop/qmp-spec.
public enum QMPMessage: Equatable, Sendable {
    /// The first line of a connection, with QEMU's version such as `7.2.22`.
    case greeting(version: String)
    /// The result of a command.
    case reply(identifier: Int64?, value: JSONValue)
    /// The refusal of a command.
    case refusal(identifier: Int64?, errorClass: String, description: String)
    /// Something that happened.
    case event(QMPEvent)
    /// A line that is none of these; the reason, and the line's first bytes as text.
    case malformed(reason: String, excerpt: String)

    /// What a decoded line means.
    init(_ value: JSONValue) {
        let identifier = value["id"]?.integer
        if let name = value["event"]?.string {
            self = .event(QMPEvent(name: name, data: value["data"] ?? .object([:]), timestamp: value["timestamp"]))
        } else if let result = value["return"] {
            self = .reply(identifier: identifier, value: result)
        } else if let error = value["error"] {
            self = .refusal(
                identifier: identifier, errorClass: error["class"]?.string ?? "GenericError",
                description: error["desc"]?.string ?? "no description")
        } else if let greeting = value["QMP"] {
            let version = greeting["version"]?["qemu"]
            let parts = ["major", "minor", "micro"].map { version?[$0]?.integer.map(String.init) ?? "?" }
            self = .greeting(version: parts.joined(separator: "."))
        } else {
            self = .malformed(reason: "neither event, return, error nor greeting", excerpt: "")
        }
    }
}
