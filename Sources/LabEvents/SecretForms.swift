/// The ways a secret value is written in logs.
enum SecretForms {
    /// Every form of a value, and of each of its lines of 8 characters or more.
    static func all(_ value: String) -> Set<[UInt8]> {
        var forms = single(value)
        let lines = value.split(whereSeparator: \.isNewline).map(trimmed)
        guard lines.count > 1 else { return forms }
        forms.formUnion(single(lines.joined(separator: "\r\n")))
        // The first and last line of every PEM file are no secret.
        for line in lines where line.count >= 8 && !line.hasPrefix("-----") { forms.formUnion(single(line)) }
        return forms
    }

    /// A value without the blanks and line ends around it.
    static func trimmed(_ text: some StringProtocol) -> String {
        var part = text[...]
        while part.first?.isWhitespace == true { part = part.dropFirst() }
        while part.last?.isWhitespace == true { part = part.dropLast() }
        return String(part)
    }

    private static func single(_ value: String) -> Set<[UInt8]> {
        let bytes = Array(value.utf8)
        var forms: Set<[UInt8]> = [bytes, hexadecimal(bytes, "0123456789abcdef"), hexadecimal(bytes, "0123456789ABCDEF")]
        for extra in 0..<8 { forms.insert(JSONText.escaped(value, JSONText.Extra(rawValue: extra))) }
        for kept in keptByPercent {
            for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
                forms.insert(percent(bytes, kept, digits))
                forms.insert(percent(bytes, kept, digits, plus: true))
            }
        }
        forms.insert(shell(bytes))
        forms.formUnion(base64(bytes))
        return forms
    }

    private static func hexadecimal(_ bytes: [UInt8], _ digits: String) -> [UInt8] {
        let digits = Array(digits.utf8)
        return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    /// What percent-encoders leave as it is beside letters and digits.
    private static let keptByPercent = [
        "",
        "-._~",  // RFC 3986; Go's QueryEscape; curl
        "-._~/",  // Python's quote
        "-_.!~*'()",  // JavaScript's encodeURIComponent
        ";,/?:@&=+$-_.!~*'()#",  // JavaScript's encodeURI
        ".-*_",  // Java, HTML forms
        "$&+=:@-_.~",  // Go's PathEscape
        "!$&'()*+,-./:;=?@_~",  // Foundation, for a query
        "!$&'()*+,-.;=_~",  // Foundation, for a password
    ]

    /// - Parameter plus: whether a blank becomes a plus, as in HTML forms.
    private static func percent(_ bytes: [UInt8], _ kept: String, _ digits: String, plus: Bool = false) -> [UInt8] {
        let (kept, digits) = (Set(kept.utf8), Array(digits.utf8))
        return bytes.flatMap { byte in
            if byte.isLetter || byte.isDigit || kept.contains(byte) { return [byte] }
            if plus, byte == UInt8(ascii: " ") { return [UInt8(ascii: "+")] }
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    /// Between single quotes of a shell.
    private static func shell(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { $0 == UInt8(ascii: "'") ? Array(#"'\''"#.utf8) : [$0] }
    }

    /// The characters that the value alone decides when it stands at each of the three places in a group, both inside a longer text and at its end.
    private static func base64(_ bytes: [UInt8]) -> Set<[UInt8]> {
        var forms: Set<[UInt8]> = []
        for alphabet in ["+/", "-_"] {
            for before in 0..<3 {
                let characters = base64Characters([UInt8](repeating: 0, count: before) + bytes, alphabet)
                let first = (8 * before + 5) / 6
                let whole = 8 * (before + bytes.count) / 6
                forms.insert(Array(characters[first..<whole]))
                forms.insert(Array(characters[first...]))
            }
        }
        return forms
    }

    private static func base64Characters(_ bytes: [UInt8], _ last: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8) + Array(last.utf8)
        var result: [UInt8] = []
        var (bits, count) = (0, 0)
        for byte in bytes {
            (bits, count) = (bits << 8 | Int(byte), count + 8)
            while count >= 6 {
                count -= 6
                result.append(alphabet[bits >> count & 63])
            }
            bits &= (1 << count) - 1
        }
        if count > 0 { result.append(alphabet[bits << (6 - count) & 63]) }
        return result
    }
}
