import LabEvents
import Yams

/// Reads a file by the table of keys: it finds every key and value that is not of its shape, and remembers where each stands.
struct ProfileReader {
    /// The file as the reader of an error should see it.
    let file: String
    private(set) var lines: [String: Int] = [:]
    private(set) var problems: [Problem] = []

    init(file: String) { self.file = file }

    /// The section at a node; what is wrong in it is among the ``problems``.
    mutating func section(_ node: Node, _ keys: ProfileKeys, path: String, title: String) -> ProfileSection {
        var section = ProfileSection(path: path)
        guard case .mapping(let mapping) = node else {
            if !node.isNull {
                report(
                    "\(title) is no section", at: node, why: "\(node.words), where `key: value` lines belong",
                    remedy: keys.keys.isEmpty ? "write {}" : "write for example `\(keys.keys[0].name): \(keys.keys[0].example)`")
            }
            require(keys, of: section, at: node, title)
            return section
        }
        var given = Set(mapping.keys.compactMap(\.string))
        for (key, value) in mapping {
            guard let name = key.string, let known = keys.key(name) else {
                // What is written wrongly is not missing too.
                if let meant = unknown(key, keys, title) { given.insert(meant) }
                continue
            }
            let place = Self.join(path, name)
            lines[place] = key.mark?.line
            section.values[name] = self.value(value, known.shape, path: place, key: known, title)
        }
        require(keys, of: section, at: node, title, given: given)
        return section
    }

    private mutating func value(_ node: Node, _ shape: ProfileShape, path: String, key: ProfileKeys.Key, _ title: String) -> ProfileValue? {
        switch shape {
        case .map(let keys, _): return map(node, keys, path: path, title)
        case .section(let keys):
            let owner = key.name == "impairments" ? "an entry of impairments" : keys.title
            return .section(section(node, keys, path: path, title: owner))
        case .list(let element):
            guard case .sequence(let sequence) = node else {
                wrong(node, key, title, expected: "a list")
                return nil
            }
            var values: [ProfileValue] = []
            for (index, entry) in sequence.enumerated() {
                let place = "\(path)[\(index)]"
                lines[place] = entry.mark?.line
                if let value = value(entry, element, path: place, key: key, title) { values.append(value) }
            }
            return .list(values)
        default:
            guard case .scalar(let scalar) = node, let value = Self.scalar(scalar, shape) else {
                wrong(node, key, title, expected: Self.expectation(shape))
                return nil
            }
            return value
        }
    }

    private mutating func map(_ node: Node, _ keys: ProfileKeys, path: String, _ title: String) -> ProfileValue? {
        guard case .mapping(let mapping) = node else {
            if node.isNull { return .map([]) }
            report(
                "\(path) has no names", at: node, why: "\(node.words), where each \(keys.title) stands with its name",
                remedy: "write `\(path.split(separator: ".").last ?? ""): {NAME: {…}}`")
            return nil
        }
        var entries: [(name: String, section: ProfileSection)] = []
        for (key, value) in mapping {
            guard let name = key.string else {
                report("a name in \(path) is no text", at: key, remedy: "write `NAME: {…}`")
                continue
            }
            let place = Self.join(path, name)
            lines[place] = key.mark?.line
            let owner = title == ProfileKeys.profile.title ? "" : " of \(title)"
            entries.append((name, section(value, keys, path: place, title: "\(keys.title) \(name)\(owner)")))
        }
        return .map(entries)
    }

    /// - Returns: the key that was most likely meant.
    private mutating func unknown(_ key: Node, _ keys: ProfileKeys, _ title: String) -> String? {
        let name = key.string ?? "?"
        let meant = NearName.of(name, in: keys.names)
        let remedy = meant.map { "did you mean '\($0)'?" } ?? "remove it or correct it"
        report(
            "\(title) has the unknown key '\(name)'", at: key,
            why: keys.names.isEmpty ? "a \(keys.title) has no keys" : "the keys here are \(keys.names.joined(separator: ", "))",
            remedy: remedy)
        return meant
    }

    private mutating func require(_ keys: ProfileKeys, of section: ProfileSection, at node: Node, _ title: String, given: Set<String> = [])
    {
        for key in keys.keys where key.isRequired && !given.contains(key.name) {
            // The section's own key is where its author looks; the file's first line for the profile itself.
            let location = "\(file):\(lines[section.path] ?? node.mark?.line ?? 1)"
            problems.append(
                Problem(
                    .invalidInput, "\(title) lacks the key '\(key.name)'", location: location, why: "\(key.name): \(key.text)",
                    remedy: "add for example `\(key.name): \(key.example)`"))
        }
    }

    private mutating func wrong(_ node: Node, _ key: ProfileKeys.Key, _ title: String, expected: String) {
        report(
            "'\(key.name)' of \(title) is not \(expected)", at: node, why: node.words,
            remedy: "write for example `\(key.name): \(key.example)`")
    }

    private mutating func report(_ what: String, at node: Node, why: String? = nil, remedy: String? = nil) {
        let location = node.mark.map { "\(file):\($0.line)" } ?? file
        problems.append(Problem(.invalidInput, what, location: location, why: why, remedy: remedy))
    }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

extension Node {
    /// Whether nothing is written here, as after `lan:`.
    fileprivate var isNull: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    /// What is written here, for a message.
    fileprivate var words: String {
        switch self {
        case .scalar(let scalar):
            isNull ? "nothing is written there" : "'\(scalar.string.prefix(60))' is written there"
        case .mapping: "a section is written there"
        case .sequence: "a list is written there"
        case .alias: "an alias is written there"
        }
    }
}
