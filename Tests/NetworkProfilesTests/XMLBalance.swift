/// Whether a document is well-formed, as far as drawings go: every element ends, attributes have quotes, `&` begins a reference.
struct XMLBalance {
    /// What is wrong first; nil for nothing.
    private(set) var fault: String?

    init(_ text: String) {
        var open: [Substring] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "<") {
            if let wrong = Self.reference(rest[..<start]) { fault = fault ?? wrong }
            guard let end = rest[start...].firstIndex(of: ">") else {
                fault = fault ?? "a tag has no end"
                return
            }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("?") { continue }
            if tag.hasPrefix("/") {
                if open.popLast() != tag.dropFirst() { fault = fault ?? "</\(tag.dropFirst())> ends another element" }
                continue
            }
            if tag.contains("<") || tag.count(where: { $0 == "\"" }) % 2 != 0 { fault = fault ?? "\(tag) is no tag" }
            if let wrong = Self.reference(tag) { fault = fault ?? wrong }
            if !tag.hasSuffix("/") { open.append(tag.prefix { $0 != " " }) }
        }
        if !open.isEmpty { fault = fault ?? "\(open) do not end" }
        if rest.contains(where: { !$0.isWhitespace }) { fault = fault ?? "text after the end" }
    }

    private static func reference(_ text: Substring) -> String? {
        for piece in text.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
            guard ["amp;", "lt;", "gt;", "quot;"].contains(where: { piece.hasPrefix($0) }) else { return "& before \(piece.prefix(10))" }
        }
        return nil
    }
}
