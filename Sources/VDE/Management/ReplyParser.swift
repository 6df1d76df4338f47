/// The answer to one management command.
struct ManagementReply: Equatable, Sendable {
    /// 1000 for success, else 1000 and the number of the error (errno(3)).
    var code: Int
    /// The code in words, as the switch said it.
    var text: String
    /// The lines of the table, where the command has one.
    var data: [String]
}

/// Reads the management protocol of vde_switch, in pieces of any size.
///
/// There is no specification; `handle_cmd` in consmgmt.c of vde-2 is the source. The switch greets with a few lines and the prompt
/// `\nvde$ `. A command is one line. Its answer is, for commands with a table, `0000 DATA END WITH '.'`, the lines and `.`; then always
/// `1ddd TEXT`, and the prompt again. Lines of another form (debugging, blank) mean nothing.
struct ReplyParser {
    enum Item: Equatable, Sendable {
        case reply(ManagementReply)
        /// The switch awaits a command.
        case prompt
        /// More came than any table has; what follows cannot be understood.
        case overflow
    }

    /// The most bytes that one answer may have. What the switch can send at once is a tenth of it.
    static let limit = 4 << 20
    private static let prompt = Array("vde$ ".utf8)

    private var line: [UInt8] = []
    private var data: [String]?
    /// The lines of a table that has ended and whose code has not come.
    private var finished: [String] = []
    private var size = 0

    /// Takes bytes and returns what they complete.
    mutating func append(_ bytes: some Sequence<UInt8>) -> [Item] {
        var items: [Item] = []
        for byte in bytes {
            size += 1
            if size > Self.limit {
                items.append(.overflow)
                self = ReplyParser()
            } else if byte == UInt8(ascii: "\n") {
                if let item = take(String(decoding: line, as: UTF8.self)) { items.append(item) }
                line = []
            } else {
                line.append(byte)
                // No line ends a prompt, so it is known by itself. In a table it would be data.
                if data == nil, line == Self.prompt {
                    self = ReplyParser()
                    items.append(.prompt)
                }
            }
        }
        return items
    }

    private mutating func take(_ line: String) -> Item? {
        if let data {
            if line == "." {
                finished = data
                self.data = nil
            } else {
                self.data = data + [line]
            }
            return nil
        }
        if line == "0000 DATA END WITH '.'" {
            data = []
            return nil
        }
        let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard let code = words.first, code.utf8.count == 4, code.first == "1", let number = Int(code) else { return nil }
        defer { finished = [] }
        return .reply(ManagementReply(code: number, text: words.count > 1 ? String(words[1]) : "", data: finished))
    }
}
