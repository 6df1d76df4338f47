/// The first part of an HTTP response: status line and fields (RFC 9112, sections 4 and 5).
struct ResponseHead: Equatable {
    /// The status code.
    var status: Int
    /// The fields by their names in lower case; of one that comes twice, the last.
    var fields: [String: String] = [:]

    /// Where a 206 begins, and how long the whole is, from `Content-Range: bytes FIRST-LAST/TOTAL` (RFC 9110, section 14.4).
    var range: (first: Int64?, total: Int64?)? {
        guard let text = fields["content-range"]?.lowercased(), text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return (parts[0].split(separator: "-").first.flatMap { Int64($0) }, Int64(parts[1]))
    }

    /// How long this response's body says it is.
    var length: Int64? { fields["content-length"].flatMap { Int64($0) } }

    /// What `If-Range` may be asked with: a strong entity tag, else a date (RFC 9110, section 13.1.5).
    var validator: String? {
        if let tag = fields["etag"], tag.hasPrefix("\"") { return tag }
        return fields["last-modified"]
    }

    /// Whether the status is a redirect with a target.
    var redirect: String? { [301, 302, 303, 307, 308].contains(status) ? fields["location"] : nil }
}

/// Takes a response apart as it comes: curl writes head and body one after the other.
struct ResponseReader {
    /// The head, once it is whole.
    private(set) var head: ResponseHead?
    private var held: [UInt8] = []

    /// Takes the next bytes.
    /// - Returns: what of them belongs to the body.
    mutating func feed(_ bytes: [UInt8]) -> [UInt8] {
        guard head == nil else { return bytes }
        held += bytes
        while let end = endOfHead() {
            let found = Self.parse(held[..<end])
            held.removeFirst(end)
            // What comes before the answer (100, 103) is none.
            if found.status >= 200 || found.status == 101 {
                head = found
                defer { held = [] }
                return held
            }
        }
        return []
    }

    private func endOfHead() -> Int? {
        var place = 0
        while let newline = held[place...].firstIndex(of: 10) {
            let rest = held[(newline + 1)...]
            if rest.first == 10 { return newline + 2 }
            if rest.first == 13, rest.dropFirst().first == 10 { return newline + 3 }
            place = newline + 1
        }
        return nil
    }

    private static func parse(_ bytes: ArraySlice<UInt8>) -> ResponseHead {
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let words = lines.first?.split(separator: " ") ?? []
        var head = ResponseHead(status: words.count > 1 ? Int(words[1]) ?? 0 : 0)
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            head.fields[line[..<colon].lowercased()] = String(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
        return head
    }
}
