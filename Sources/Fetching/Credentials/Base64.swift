import FoundationEssentials

/// Base64 (RFC 4648) of texts.
enum Base64 {
    static func text(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// The text that was encoded; nil for what is no base64.
    static func decoded(_ text: String) -> String? { Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) } }
}
