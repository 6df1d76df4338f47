/// How wide text is at most. A drawing names only generic fonts, so the widths are those of DejaVu, the widest of the usual ones, and a little more.
enum TextMetrics {
    /// The width of text in px.
    static func width(_ text: String, size: Double, mono: Bool = false, bold: Bool = false) -> Double {
        var width = 0.0
        for scalar in text.unicodeScalars {
            let isWide = scalar.value >= 0x1100
            width += isWide ? 1.05 : mono ? 0.615 : sans(scalar)
        }
        return (width * size * (bold && !mono ? 1.1 : 1)).rounded(.up)
    }

    /// Parts of the size that one character takes in DejaVu Sans.
    private static func sans(_ scalar: Unicode.Scalar) -> Double {
        switch scalar {
        case "i", "j", "l", "'", "|": 0.3
        case " ", "\u{A0}", ".", ",", ":", ";", "/", "!", "·", "I", "-": 0.37
        case "f", "r", "t", "(", ")", "[", "]", "\"": 0.42
        case "c", "k", "s", "v", "x", "y", "z", "J": 0.6
        case "m", "%", "M", "W", "…", "→", "@": 1.0
        case "w", "±", "O", "Q", "G", "D", "H", "N", "U": 0.84
        case "A"..."Z": 0.74
        default: 0.645
        }
    }

    /// Text in lines of at most a width. A word that is wider by itself is broken.
    static func wrap(_ text: String, size: Double, to limit: Double) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: { $0.isWhitespace && $0 != "\u{A0}" }) {
            let longer = line.isEmpty ? String(word) : "\(line) \(word)"
            if width(longer, size: size) <= limit {
                line = longer
                continue
            }
            if !line.isEmpty { lines.append(line) }
            line = ""
            for character in word {
                if width(line + String(character), size: size) > limit, !line.isEmpty {
                    lines.append(line)
                    line = ""
                }
                line.append(character)
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }
}
