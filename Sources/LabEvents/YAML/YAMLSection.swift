package import Yams

/// One mapping of a YAML file, read key by key, that knows its lines: every complaint says file, line, what is wrong and what would be right.
package struct YAMLSection {
    /// The file as the reader of an error should see it.
    package let file: String
    /// What the mapping is, for example `image description` or `disk`.
    package let title: String
    private let mapping: Node.Mapping
    private let line: Int
    private let keys: [String]

    /// The mapping at `node`, whose keys must be among `keys`.
    package init(_ node: Node, file: String, title: String, keys: [String]) throws(Problem) {
        guard case .mapping(let mapping) = node else {
            throw Self.problem(
                "\(title) is not a mapping of keys to values", file: file, node: node, remedy: "write it as `key: value` lines")
        }
        self.file = file
        self.title = title
        self.mapping = mapping
        self.line = node.mark?.line ?? 1
        self.keys = keys
        for (key, _) in mapping {
            guard let name = key.string, keys.contains(name) else {
                let name = key.string ?? "?"
                let close = keys.first { Self.near($0, name) }
                throw Self.problem(
                    "unknown key '\(name)' in \(title)", file: file, node: key,
                    why: "the keys here are \(keys.joined(separator: ", "))",
                    remedy: close.map { "did you mean '\($0)'?" } ?? "remove the line or correct the key")
            }
        }
    }

    /// Parses `text` and returns its one document.
    package static func document(_ text: String, file: String) throws(Problem) -> Node {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw Problem(.invalidInput, "empty file", location: file, remedy: "write a description in it or remove it")
            }
            return node
        } catch let error as YamlError {
            var line: Int?
            var reason = "\(error)"
            var remedy = "check indentation, quotes and colons around this line"
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
                (line, reason) = (mark.line, problem)
            case .duplicatedKeysInMapping(let duplicates, let context):
                (line, reason) = (context.mark.line, "these keys stand there twice: \(duplicates.joined(separator: ", "))")
                remedy = "join the two, or remove one; this is the first of them"
            default: break
            }
            throw Problem(
                .invalidInput, "not valid YAML", location: line.map { "\(file):\($0)" } ?? file, why: reason, remedy: remedy)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.invalidInput, "not valid YAML", location: file, why: "\(error)")
        }
    }

    /// A complaint about the value of `key`, or about the mapping when the key is absent.
    package func problem(_ what: String, at key: String, why: String? = nil, remedy: String? = nil) -> Problem {
        let line = mapping[Node(key)]?.mark?.line ?? line
        return Problem(.invalidInput, what, location: "\(file):\(line)", why: why, remedy: remedy)
    }

    /// The value of `key`, if present.
    package func node(_ key: String) -> Node? { mapping[Node(key)] }

    /// The text at `key`.
    package func string(_ key: String) throws(Problem) -> String {
        guard let text = try optionalString(key) else { throw missing(key) }
        return text
    }

    /// The text at `key`, nil when absent.
    package func optionalString(_ key: String) throws(Problem) -> String? {
        guard let node = mapping[Node(key)] else { return nil }
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw wrongType(key, expected: "a text") }
        return scalar.string
    }

    /// The whole number at `key`, which must lie in `range`.
    package func integer(_ key: String, in range: ClosedRange<Int>) throws(Problem) -> Int {
        guard let node = mapping[Node(key)] else { throw missing(key) }
        guard let number = node.int, range.contains(number) else {
            throw wrongType(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The list of texts at `key`, empty when absent.
    package func strings(_ key: String) throws(Problem) -> [String] {
        guard let node = mapping[Node(key)] else { return [] }
        guard case .sequence(let sequence) = node else { throw wrongType(key, expected: "a list of texts") }
        var texts: [String] = []
        for element in sequence {
            guard case .scalar(let scalar) = element, !scalar.string.isEmpty else {
                throw Self.problem("\(key) has an entry that is not a text", file: file, node: element, remedy: "write a list of texts")
            }
            texts.append(scalar.string)
        }
        return texts
    }

    /// The mapping of texts to texts at `key`, empty when absent.
    package func stringMap(_ key: String) throws(Problem) -> [String: String] {
        guard let node = mapping[Node(key)] else { return [:] }
        guard case .mapping(let inner) = node else { throw wrongType(key, expected: "a mapping of texts to texts") }
        var texts: [String: String] = [:]
        for (name, value) in inner {
            guard let name = name.string, case .scalar(let scalar) = value else {
                throw Self.problem(
                    "\(key) has an entry that is not text: text", file: file, node: value, remedy: "write `name: value` lines")
            }
            texts[name] = scalar.string
        }
        return texts
    }

    /// The mapping at `key`, nil when absent.
    package func section(_ key: String, keys: [String]) throws(Problem) -> YAMLSection? {
        guard let node = mapping[Node(key)] else { return nil }
        return try YAMLSection(node, file: file, title: key, keys: keys)
    }

    /// The list of mappings at `key`, empty when absent.
    package func sections(_ key: String, keys: [String]) throws(Problem) -> [YAMLSection] {
        guard let node = mapping[Node(key)] else { return [] }
        guard case .sequence(let sequence) = node else { throw wrongType(key, expected: "a list of mappings") }
        var sections: [YAMLSection] = []
        for element in sequence { sections.append(try YAMLSection(element, file: file, title: "an entry of \(key)", keys: keys)) }
        return sections
    }

    /// The complaint that `key` is absent.
    package func missing(_ key: String) -> Problem {
        problem("\(title) lacks the key '\(key)'", at: key, why: "its keys are \(keys.joined(separator: ", "))", remedy: "add `\(key): …`")
    }

    private func wrongType(_ key: String, expected: String) -> Problem {
        problem("\(key) is not \(expected)", at: key, remedy: "give it \(expected)")
    }

    private static func problem(_ what: String, file: String, node: Node, why: String? = nil, remedy: String? = nil) -> Problem {
        Problem(.invalidInput, what, location: node.mark.map { "\(file):\($0.line)" } ?? file, why: why, remedy: remedy)
    }

    /// Whether two keys differ by so little that one is likely a slip for the other: the same letters but for case, order or one of them.
    private static func near(_ known: String, _ written: String) -> Bool {
        let (one, two) = (known.lowercased().sorted(), written.lowercased().sorted())
        return abs(one.count - two.count) <= 1 && one.difference(from: two).count <= 2
    }
}
