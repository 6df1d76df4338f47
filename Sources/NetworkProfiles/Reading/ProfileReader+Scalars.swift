import Yams

/// Single values.
extension ProfileReader {
    /// A scalar as the shape wants it; nil when it is none of that shape.
    static func scalar(_ scalar: Node.Scalar, _ shape: ProfileShape) -> ProfileValue? {
        let text = scalar.string
        let isPlain = scalar.style == .plain || scalar.style == .any
        switch shape {
        case .text: return text.isEmpty || isPlain && ["~", "null"].contains(text) ? nil : .text(text)
        case .word(let words): return words.contains(text) ? .text(text) : nil
        case .integer: return isPlain ? integer(text).map(ProfileValue.integer) : nil
        case .number: return isPlain ? number(text).map(ProfileValue.number) : nil
        case .boolean: return isPlain ? ["true": true, "false": false][text].map(ProfileValue.boolean) : nil
        case .range: return range(text).map(ProfileValue.range)
        case .duration: return seconds(text).map(ProfileValue.integer)
        case .prefix(let isIPv6):
            guard let prefix = IPPrefix(text), isIPv6 == nil || prefix.isIPv6 == isIPv6 else { return nil }
            return .prefix(prefix)
        case .list, .map, .section: return nil
        }
    }

    /// What a shape is called after "is not".
    static func expectation(_ shape: ProfileShape) -> String {
        switch shape {
        case .text: "a text"
        case .word(let words): "one of \(words.joined(separator: ", "))"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .range: "a number or a range FIRST-LAST"
        case .duration: "a time such as 90s, 30m, 12h or 7d"
        case .prefix(let isIPv6):
            switch isIPv6 {
            case nil: "an address with its prefix length"
            case false?: "an IPv4 prefix"
            case true?: "an IPv6 prefix"
            }
        case .list: "a list"
        case .map, .section: "a section"
        }
    }

    /// Decimal digits with an optional minus; no leading zeros, which other readers take for octal.
    static func integer(_ text: String) -> Int? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.utf8.count == 1 || digits.utf8.first != UInt8(ascii: "0")
        else { return nil }
        return Int(text)
    }

    private static func number(_ text: String) -> Double? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard integer(String(parts[0])) != nil else { return nil }
        guard parts.count == 1 || (1...9).contains(parts[1].utf8.count) && parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Double(text)
    }

    private static func range(_ text: String) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { integer(String($0)) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else { return nil }
        return first...last
    }

    private static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let letter = text.last, let unit = units[letter] else { return integer(text) }
        return integer(String(text.dropLast())).map { $0 * unit }
    }
}
