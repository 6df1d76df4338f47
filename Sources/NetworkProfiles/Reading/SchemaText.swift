/// JSON whose keys keep their order, so that a schema reads as its author wrote it.
indirect enum SchemaText {
    case text(String)
    case literal(String)
    case list([SchemaText])
    case object([(String, SchemaText)])

    /// The value in lines of two blanks of indentation.
    func lines(_ indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .text(let text): return Self.quoted(text)
        case .literal(let literal): return literal
        case .list(let list): return "[" + list.map { $0.lines(indent) }.joined(separator: ", ") + "]"
        case .object(let pairs):
            guard !pairs.isEmpty else { return "{}" }
            let lines = pairs.map { "\(inner)\(Self.quoted($0.0)): \($0.1.lines(inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
