import GuestShell

/// Takes apart what a ``GuestPoll`` writes: the check's own output, and a line of the loop's with the random mark after a try.
struct PollParser: Sendable {
    /// What the loop said.
    struct Line: Sendable, Equatable {
        /// How many tries so far; 0 when the loop begins.
        var number: Int
        /// The last try's answer; nil when the loop begins.
        var answer: Answer?
        /// The loop is at its end: the goal has held long enough, or the answer is final.
        var isLast = false
    }

    private static let lineLimit = 400
    private static let tailLines = 5

    private let prefix: String
    private var splitter = LineSplitter(limit: 4096)
    private var lines: [String] = []

    init(mark: String) { prefix = mark + " " }

    /// A word that no check's output can hold by chance.
    static func mark() -> String {
        var generator = SystemRandomNumberGenerator()
        return "poll-" + String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    }

    /// The last lines of the try that goes on.
    var tail: String { lines.joined(separator: "\n") }

    mutating func feed(_ bytes: [UInt8]) -> [Line] {
        var found: [Line] = []
        for line in splitter.lines(bytes) {
            if line.hasPrefix(prefix) {
                if let line = parse(line.dropFirst(prefix.count)) { found.append(line) }
                lines = []
            } else if !line.isEmpty {
                if lines.count == Self.tailLines { lines.removeFirst() }
                lines.append(String(line.prefix(Self.lineLimit)))
            }
        }
        return found
    }

    private func parse(_ text: Substring) -> Line? {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, let number = Int(words[0]), let sign = words[1].first else { return nil }
        if sign == "s" { return Line(number: number) }
        let kind: Answer.Kind = sign == "y" ? .yes : sign == "n" ? .no : .couldNotAsk
        let observation = ([words.count > 2 ? String(words[2]) : ""] + lines).filter { !$0.isEmpty }.joined(separator: "\n")
        return Line(
            number: number,
            answer: Answer(kind: kind, observation: observation.isEmpty ? nil : observation, isFinal: words[1].contains("F")),
            isLast: words[1].count > 1)
    }
}
