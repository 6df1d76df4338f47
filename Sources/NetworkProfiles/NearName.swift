/// Which known name someone most likely meant.
enum NearName {
    /// The known name that differs least from the written one; nil when more than a third of its letters differ, when two are equally near, or when
    /// only a number differs: `eth3` is no slip for `eth2`.
    static func of(_ written: String, in known: some Sequence<String>) -> String? {
        let limit = max(1, min(3, written.count / 3))
        let letters = Array(written.lowercased())
        let word = letters.filter { !$0.isNumber }
        var best: (name: String?, distance: Int)?
        for name in known where abs(name.count - written.count) <= limit && name != written {
            let candidate = Array(name.lowercased())
            let distance = distance(letters, candidate)
            guard distance == 0 || word != candidate.filter({ !$0.isNumber }), distance <= limit else { continue }
            if distance < best?.distance ?? .max { best = (name, distance) } else if distance == best?.distance { best?.name = nil }
        }
        return best?.name
    }

    /// How many letters must be added, dropped, replaced or swapped with their neighbour (optimal string alignment).
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var before: [Int] = []
        var above = Array(0...other.count)
        for (row, letter) in one.enumerated() {
            var line = [row + 1]
            for (column, candidate) in other.enumerated() {
                var cost = min(above[column] + (letter == candidate ? 0 : 1), above[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, letter == other[column - 1], one[row - 1] == candidate { cost = min(cost, before[column - 1] + 1) }
                line.append(cost)
            }
            (before, above) = (above, line)
        }
        return above[other.count]
    }

    /// Names for a sentence: `a, b, c and 4 more`.
    static func list(_ names: some Collection<String>, limit: Int = 8) -> String {
        let shown = names.prefix(limit)
        let rest = names.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}
