import Synchronization

/// Takes secrets out of text: the values it was told, in every usual encoding, and what has the shape of a secret.
///
/// A secret becomes `[redacted:NAME]`. It works on bytes, so text that is no valid UTF-8 comes through unchanged but for the secrets. A value that is cut in two
/// by a line end, as wrapped base64 does, is not found.
public final class Redactor: Sendable {
    private struct State {
        var marks: [[UInt8]: [UInt8]] = [:]
        var secrets: [String: String] = [:]
        var table = RedactionTable(values: [:])
    }

    private let state = Mutex(State())

    /// A redactor that knows the shapes and no value.
    public init() {}

    /// Adds a value that must not be shown; what was redacted before does not change, so it must come before the value's first use. Blanks and line ends around it do not count.
    /// - Parameter name: what the value is called where it stood; characters other than letters, digits, `-`, `_` and `.` become `-`.
    /// - Throws: ``Problem`` of kind `invalidInput` for a value of less than 6 characters, or of one repeated character: it would be found everywhere.
    public func add(secret: String, name: String) throws(Problem) {
        let value = SecretForms.trimmed(secret)
        guard value.count >= 6, Set(value).count > 1 else {
            throw Problem(
                .invalidInput, "the secret '\(name)' cannot be kept out of the logs",
                why: "it has less than 6 characters, or only one that repeats, and would be found everywhere", remedy: "use a longer secret"
            )
        }
        let mark = Self.mark(name.contains(value) ? "secret" : name)
        state.withLock { state in
            state.secrets[secret] = name
            for form in SecretForms.all(value) where state.marks[form] == nil { state.marks[form] = mark }
            state.table = RedactionTable(values: state.marks)
        }
    }

    /// The values that were added, with their names. For whoever goes on with the same redaction; never for a file.
    public var secrets: [String: String] { state.withLock { $0.secrets } }

    /// The text without secrets.
    public func redact(_ text: String) -> String {
        var block = KeyBlock()
        return redact(text, &block)
    }

    /// The bytes without secrets.
    public func redact(_ bytes: [UInt8]) -> [UInt8] {
        var block = KeyBlock()
        return bytes.withUnsafeBufferPointer { text in
            let spans = spans(text, &block)
            return spans.isEmpty ? nil : text.replacing(spans)
        } ?? bytes
    }

    /// One piece of a text whose pieces come one after the other.
    func redact(_ text: String, _ block: inout KeyBlock) -> String {
        var text = text
        let redacted: [UInt8]? = text.withUTF8 { bytes in
            let spans = spans(bytes, &block)
            return spans.isEmpty ? nil : bytes.replacing(spans)
        }
        return redacted.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// What is to be replaced, in order and apart.
    func spans(_ text: UnsafeBufferPointer<UInt8>, _ block: inout KeyBlock) -> [Span] {
        let table = state.withLock { $0.table }
        return Span.merged(table.spans(text) + block.spans(text))
    }

    static func mark(_ name: some StringProtocol) -> [UInt8] {
        Array("[redacted:".utf8) + name.utf8.map { $0.isName ? $0 : UInt8(ascii: "-") } + [UInt8(ascii: "]")]
    }
}
