/// Strings as JSON writes them (RFC 8259, section 7).
enum JSONText {
    /// A string with its quotes.
    static func quoted(_ text: String) -> [UInt8] {
        [UInt8(ascii: "\"")] + escaped(text) + [UInt8(ascii: "\"")]
    }

    /// What a writer escapes beyond what it must; writers differ.
    struct Extra: OptionSet {
        var rawValue: Int
        /// `/` as `\/`, as Foundation and PHP do.
        static let slash = Extra(rawValue: 1)
        /// `<`, `>` and `&` as `\u003c`…, as Go does.
        static let markup = Extra(rawValue: 2)
        /// All beyond ASCII as `\u`, as Python does.
        static let nonASCII = Extra(rawValue: 4)
    }

    /// A string without quotes, every character escaped that must be.
    static func escaped(_ text: String, _ extra: Extra = []) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += #"\""#.utf8
            case "\\": bytes += #"\\"#.utf8
            case "\n": bytes += #"\n"#.utf8
            case "\r": bytes += #"\r"#.utf8
            case "\t": bytes += #"\t"#.utf8
            case "\u{8}": bytes += #"\b"#.utf8
            case "\u{C}": bytes += #"\f"#.utf8
            case "/" where extra.contains(.slash): bytes += #"\/"#.utf8
            case "<", ">", "&": bytes += extra.contains(.markup) ? unit(UInt16(scalar.value)) : Array(String(scalar).utf8)
            case _ where scalar.value < 0x20: bytes += unit(UInt16(scalar.value))
            case _ where scalar.value > 0x7E && extra.contains(.nonASCII): bytes += String(scalar).utf16.flatMap(unit)
            default: bytes += UTF8.encode(scalar).map(Array.init) ?? []
            }
        }
        return bytes
    }

    private static func unit(_ unit: UInt16) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return Array(#"\u"#.utf8) + [12, 8, 4, 0].map { digits[Int(unit >> $0) & 15] }
    }
}
