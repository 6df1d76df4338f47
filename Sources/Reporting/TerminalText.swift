/// Text as a terminal may be given it: nothing in it moves the cursor, and its width is known.
enum TerminalText {
    /// One line in which nothing controls the terminal: colour and cursor sequences are dropped, other controls are shown as `\u{1b}`.
    static func neutral(_ text: some StringProtocol) -> String {
        // Almost every line is plain ASCII.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return String(text) }
        var result = String.UnicodeScalarView()
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            if scalar == "\u{1B}", let rest = afterSequence(scalars) {
                scalars = rest
            } else if scalar == "\t" {
                result.append(" ")
            } else if controls(scalar) {
                result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// The lines of a text, each neutral.
    static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { neutral($0.hasSuffix("\r") ? $0.dropLast() : $0) }
    }

    /// How many columns a text takes at most. Where terminals differ, the larger number counts.
    static func width(_ text: some StringProtocol) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

    /// The beginning of a text that fits some columns, with `…` where something is cut off.
    static func cut(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var result = String.UnicodeScalarView()
        var room = columns - 1
        for scalar in text.unicodeScalars {
            room -= width(scalar)
            if room < 0 { break }
            result.append(scalar)
        }
        return String(result) + "…"
    }

    /// A text with blanks behind it up to some columns.
    static func padded(_ text: String, to columns: Int) -> String { text + String(repeating: " ", count: max(0, columns - width(text))) }

    /// Seconds with one decimal, such as `3.1 s`.
    static func seconds(_ value: Double) -> String {
        let tenths = value.isFinite ? Int(min(max(value, 0), 1e12) * 10 + 0.5) : 0
        return "\(tenths / 10).\(tenths % 10) s"
    }

    /// What follows a control sequence (ECMA-48: CSI) or an operating system command (OSC) whose escape was taken off; nil when it is neither, or unfinished.
    private static func afterSequence(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar>? {
        switch scalars.first {
        case "[":
            let end = scalars.dropFirst().drop { (0x20...0x3F).contains($0.value) }
            guard let final = end.first, (0x40...0x7E).contains(final.value) else { return nil }
            return end.dropFirst()
        case "]":
            let end = scalars.drop { $0 != "\u{7}" && $0 != "\u{1B}" }
            if end.first == "\u{7}" { return end.dropFirst() }
            return end.count > 1 && end.dropFirst().first == "\\" ? end.dropFirst(2) : nil
        default:
            return nil
        }
    }

    /// Control characters, line separators, and what changes the direction of writing.
    private static func controls(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        default: false
        }
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x1100..<0x1160, 0x2190..<0x2C00, 0x2E80...: 2
        default: 1
        }
    }
}
