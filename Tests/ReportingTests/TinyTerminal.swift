/// A terminal of a fixed size that knows the sequences that are used, and fails on all others. Lines that leave it at the top are kept.
struct TinyTerminal {
    private(set) var screen: [[Unicode.Scalar]]
    private(set) var scrolled: [String] = []
    private(set) var isCursorVisible = true
    /// How often a line did not fit.
    private(set) var wraps = 0
    private(set) var unknown: [String] = []
    private(set) var row = 0
    private(set) var column = 0
    let columns: Int

    init(columns: Int, rows: Int) {
        self.columns = columns
        screen = Array(repeating: [], count: rows)
    }

    /// What a person sees, without empty lines at the end.
    var text: String {
        var lines = screen.map(Self.text)
        while lines.last == "" { lines.removeLast() }
        return lines.joined(separator: "\n")
    }

    private static func text(_ line: [Unicode.Scalar]) -> String {
        var scalars = line[...]
        while scalars.last == " " { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars.filter { $0 != "\0" }))
    }

    mutating func feed(_ output: String) {
        var scalars = Array(output.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n": newline()
            case "\u{1B}":
                let end = scalars.firstIndex { (0x40...0x7E).contains($0.value) && $0 != "[" } ?? scalars.endIndex - 1
                control(String(String.UnicodeScalarView(scalars[...end])))
                scalars = scalars[(end + 1)...]
            case _ where scalar.value < 0x20: unknown.append("\(scalar.value)")
            default: put(scalar)
            }
        }
    }

    private mutating func control(_ sequence: String) {
        let number = Int(sequence.dropFirst().dropLast()) ?? 1
        switch sequence.last {
        case "A": row = max(0, row - number)
        case "K": screen[row] = Array(screen[row].prefix(column))
        case "J":
            screen[row] = Array(screen[row].prefix(column))
            for below in screen.indices where below > row { screen[below] = [] }
        case "m": break
        case "l" where sequence == "[?25l": isCursorVisible = false
        case "h" where sequence == "[?25h": isCursorVisible = true
        default: unknown.append(sequence)
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        let width = scalar.value >= 0x1100 && scalar.value < 0x1160 || scalar.value >= 0x2E80 ? 2 : 1
        if column + width > columns {
            wraps += 1
            column = 0
            newline()
        }
        while screen[row].count < column + width { screen[row].append(" ") }
        screen[row][column] = scalar
        if width == 2 { screen[row][column + 1] = "\0" }
        column += width
    }

    private mutating func newline() {
        if row + 1 < screen.count {
            row += 1
        } else {
            scrolled.append(Self.text(screen.removeFirst()))
            screen.append([])
        }
    }
}
