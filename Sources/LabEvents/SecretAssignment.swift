/// Secrets that stand behind their name: `password=…`, `--token …`, `"secret": "…"`, `passwd: …`.
///
/// Log lines are full of the same words ("password: " as a prompt, "token: not found"), so what follows a colon must look like a value.
enum SecretAssignment {
    /// The names, in the form that names end with: `K3S_TOKEN` is found by `token`.
    static let keywords = [
        "password", "passwd", "passphrase", "secret", "token", "secret_access_key", "secretaccesskey", "secret_key", "secret-key",
        "secretkey",
        "api_key", "api-key", "apikey", "private_key", "client-key-data", "auth",
    ]

    /// Names that end like a secret's and are not one.
    private static let publicNames: Set<String> = ["initial-cluster-token"]

    /// Values that say that there is none, or what kind there is.
    private static let plainValues: Set<String> = [
        "true", "false", "yes", "no", "on", "off", "null", "nil", "none", "undefined", "0", "1", "simple", "()", "{}", "[]", "-",
    ]

    /// What follows an option's name in a sentence or in a help text instead of a value.
    private static let sentenceWords: Set<String> = [
        "is", "to", "or", "and", "flag", "must", "for", "with", "from", "option", "options", "in", "was", "not", "has", "on", "can", "as",
        "will",
        "instead", "requires", "required", "when", "if", "are", "value", "value,", "string", "cannot", "should", "may", "the", "a", "of",
    ]

    private enum Separator { case equals, colon, blank }

    /// The value that belongs to the name at a place.
    static func span(_ text: UnsafeBufferPointer<UInt8>, _ place: Int, _ keyword: [UInt8]) -> Span? {
        var name = Name(text, place, keyword)
        guard let separator = name.separator(), !publicNames.contains(name.whole) else { return nil }
        // Too short and too common a name for anything but Docker's `"auth": "…"`.
        if keyword.count == 4, !name.isQuoted || name.whole.lowercased() != "auth" { return nil }
        let start = text.end(from: name.end, while: \.isBlank)
        guard start < text.count, let value = Value(text, start, of: name, separator) else { return nil }
        if keyword.count == 4, !value.isQuoted { return nil }
        guard accepts(value, text, name, separator) else { return nil }
        var mark = Redactor.mark(String(decoding: keyword, as: UTF8.self))
        // A bare number in JSON must leave a string behind, or the rest can no longer be read.
        if !value.isQuoted, name.isQuoted, separator == .colon { mark = name.quote + mark + name.quote }
        return Span(value.start, value.end, mark, context: name.start)
    }

    /// Whether a part is a secret that was taken out before, perhaps with punctuation behind it.
    static func isMark(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard text.matches(Array("[redacted:".utf8), at: start) else { return false }
        let close = text.end(from: start, limit: end) { $0 != UInt8(ascii: "]") }
        return text.end(from: close, limit: end) { !$0.isLetter && !$0.isDigit } == end
    }

    private static func accepts(_ value: Value, _ text: UnsafeBufferPointer<UInt8>, _ name: Name, _ separator: Separator) -> Bool {
        let bytes = text[value.start..<value.end]
        guard let first = bytes.first, !isMark(text, value.start, value.end) else { return false }
        // Already hidden by whoever wrote it, or a placeholder.
        if bytes.count > 2, bytes.allSatisfy({ $0 == first }),
            first == UInt8(ascii: "*") || first == UInt8(ascii: ".") || first.lowercase == UInt8(ascii: "x")
        {
            return false
        }
        if first == UInt8(ascii: "<"), bytes.last == UInt8(ascii: ">") { return false }
        if bytes.count <= 16, plainValues.contains(String(decoding: bytes, as: UTF8.self).lowercased()) { return false }
        if name.keyword == "secret", isObjectName(bytes) { return false }
        if value.isQuoted { return true }
        switch separator {
        case .equals: return true
        case .blank:
            return first != UInt8(ascii: "-") && !(bytes.count <= 8 && sentenceWords.contains(String(decoding: bytes, as: UTF8.self)))
        case .colon:
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == UInt8(ascii: "&") { return false }
            if name.isQuoted { return true }
            guard name.start == 0 || text[name.start - 1] != UInt8(ascii: "/") else { return false }
            return value.endsLine || looksRandom(bytes)
        }
    }

    /// A word of 8 characters or more with letters and digits, and no address.
    private static func looksRandom(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        bytes.count >= 8 && bytes.first != UInt8(ascii: "/") && bytes.contains(where: \.isDigit) && bytes.contains(where: \.isLetter)
            && !String(decoding: bytes.prefix(4096), as: UTF8.self).contains("://")
    }

    /// `namespace/name`, as Kubernetes' own logs name a Secret.
    private static func isObjectName(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy {
                        ($0.isLetter && !$0.isUppercase) || $0.isDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
                    }
            }
    }

    /// A name with what stands around it.
    private struct Name {
        let text: UnsafeBufferPointer<UInt8>
        let start: Int
        let keyword: String
        /// After the name, and after its separator once that was read.
        private(set) var end: Int
        private(set) var quote: [UInt8] = []
        let whole: String

        var isQuoted: Bool { !quote.isEmpty }

        init(_ text: UnsafeBufferPointer<UInt8>, _ place: Int, _ keyword: [UInt8]) {
            var start = place
            while start > max(0, place - 64), text[start - 1].isName { start -= 1 }
            (self.text, self.start, end) = (text, start, place + keyword.count)
            self.keyword = String(decoding: keyword, as: UTF8.self)
            whole = String(decoding: text[start..<end], as: UTF8.self)
        }

        /// Reads the closing quote and the separator.
        mutating func separator() -> Separator? {
            let quoteEnd = SecretAssignment.quote(text, end)
            quote = Array(text[end..<quoteEnd])
            let isOption = text[start] == UInt8(ascii: "-")
            let place = text.end(from: quoteEnd, while: \.isBlank)
            guard place < text.count else { return nil }
            let next = place + 1 < text.count ? text[place + 1] : 0
            switch text[place] {
            case UInt8(ascii: "="):
                if next == UInt8(ascii: "=") || next == UInt8(ascii: "~") { return nil }
                end = next == UInt8(ascii: ">") ? place + 2 : place + 1
                return .equals
            case UInt8(ascii: ":"):
                if next == UInt8(ascii: ":") || next == UInt8(ascii: "=") { return nil }
                end = place + 1
                return .colon
            case UInt8(ascii: ",") where isOption && isQuoted:
                end = place + 1
                return .blank
            default:
                end = place
                return isOption && !isQuoted && place > quoteEnd ? .blank : nil
            }
        }
    }

    /// A value without its quotes.
    private struct Value {
        var start: Int
        var end: Int
        var isQuoted: Bool
        var endsLine = false

        init?(_ text: UnsafeBufferPointer<UInt8>, _ place: Int, of name: Name, _ separator: Separator) {
            let opened = SecretAssignment.quote(text, place)
            if opened > place {
                (start, isQuoted) = (opened, true)
                let lineEnd = text.firstIndex(of: UInt8(ascii: "\n"), from: opened) ?? text.count
                let (quote, depth) = (text[opened - 1], opened - place - 1)
                let isShell = quote == UInt8(ascii: "'") && depth == 0
                end = isShell ? Self.shellWord(text, opened, lineEnd) : Self.close(text, opened, lineEnd, quote, depth)
                // A word that goes on behind its quotes is taken with them.
                if isShell, end < lineEnd, text[end] != quote { start = place }
            } else {
                (start, isQuoted) = (place, false)
                let inJSON = name.isQuoted
                end = text.end(from: place) { !$0.isSpace && $0 != UInt8(ascii: "\"") && !(inJSON && ",}]".utf8.contains($0)) }
                if end < text.count, text[end] == UInt8(ascii: "\"") {
                    while end > start, text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
                }
                // The end of a line of YAML within a JSON string.
                let escape =
                    separator == .colon ? UnsafeBufferPointer(rebasing: text[..<end]).firstIndex(of: Array(#"\n"#.utf8), from: start) : nil
                end = escape ?? end
                if end > start, text[end - 1] == UInt8(ascii: "'") { end -= 1 }
                endsLine = escape != nil || Self.endsLine(text, start, end)
            }
            if end <= start { return nil }
        }

        /// Where a quoted value ends: at its quote, or with the line.
        private static func close(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ lineEnd: Int, _ quote: UInt8, _ depth: Int) -> Int {
            var backslashes = 0
            for place in start..<lineEnd {
                let byte = text[place]
                if byte == quote, backslashes <= depth || (depth == 0 && backslashes.isMultiple(of: 2)) {
                    return place - (depth == 0 ? 0 : backslashes)
                }
                backslashes = byte == UInt8(ascii: "\\") ? backslashes + 1 : 0
            }
            return lineEnd
        }

        /// Where a word that begins with a single quote ends: a quote within it is written `'\''` in a shell and `''` in YAML.
        private static func shellWord(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ lineEnd: Int) -> Int {
            var place = start
            while true {
                let quote = text.end(from: place, limit: lineEnd) { $0 != UInt8(ascii: "'") }
                if quote == lineEnd { return lineEnd }
                place = quote + 1
                while place < lineEnd, text[place] == UInt8(ascii: "\\") || text[place].isLetter || text[place].isDigit {
                    place += text[place] == UInt8(ascii: "\\") ? 2 : 1
                }
                guard place < lineEnd, text[place] == UInt8(ascii: "'") else { return place == quote + 1 ? quote : min(place, lineEnd) }
                place += 1
            }
        }

        /// Whether nothing but a comment or the end of a list follows on the line.
        private static func endsLine(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
            if end > start, ",}]".utf8.contains(text[end - 1]) { return true }
            let next = text.end(from: end) { $0.isBlank || $0.isQuote }
            return next == text.count || text[next].isSpace || text[next] == UInt8(ascii: "#")
        }
    }

    /// The place after a quote with the backslashes that JSON within JSON has before it; the same place when there is none.
    private static func quote(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int {
        let after = text.end(from: place, limit: place + 8) { $0 == UInt8(ascii: "\\") }
        return after < text.count && text[after].isQuote ? after + 1 : place
    }
}
