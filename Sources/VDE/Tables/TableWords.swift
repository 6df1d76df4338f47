/// A line of a table that is not of the form that vde_switch 2.3.2 prints.
struct TableError: Error, Equatable {
    var line: String
}

/// The words of a line of a table.
struct TableWords {
    private let line: String
    private let words: [Substring]

    init(_ line: String) {
        self.line = line
        words = line.split(separator: " ")
    }

    func contains(_ word: String) -> Bool { words.contains(Substring(word)) }

    /// The word at a place, as a number.
    func number(_ place: Int) throws(TableError) -> Int {
        guard words.indices.contains(place) else { throw TableError(line: line) }
        return try integer(String(words[place]))
    }

    /// What follows a mark in its own word: `1` for `tagged=` in `tagged=1`.
    func value(_ mark: String) throws(TableError) -> String {
        guard let word = words.first(where: { $0.hasPrefix(mark) }) else { throw TableError(line: line) }
        return String(word.dropFirst(mark.count))
    }

    func word(after mark: String) throws(TableError) -> String {
        guard let place = words.firstIndex(of: Substring(mark)), place + 1 < words.count else { throw TableError(line: line) }
        return String(words[place + 1])
    }

    func integer(_ text: String) throws(TableError) -> Int {
        guard let number = Int(text), number >= 0 else { throw TableError(line: line) }
        return number
    }
}
