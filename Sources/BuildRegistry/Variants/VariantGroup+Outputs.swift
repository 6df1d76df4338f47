import LabEvents
import Yams

extension VariantGroup {
    /// The files of the chain with what they are for.
    static func chain(_ group: YAMLSection) throws(Problem) -> [ChainEntry] {
        guard let node = group.node("chain") else { return [] }
        guard case .sequence(let sequence) = node else {
            throw group.problem("chain is not a list", at: "chain", remedy: "write a list of files")
        }
        var entries: [ChainEntry] = []
        for element in sequence {
            if case .scalar(let scalar) = element {
                entries.append(ChainEntry(file: scalar.string, when: [:]))
                continue
            }
            let section = try YAMLSection(element, file: group.file, title: "an entry of chain", keys: ["file", "when"])
            var entry = ChainEntry(file: try section.string("file"), when: [:])
            if let when = try section.section("when", keys: VariantAxis.allCases.map(\.rawValue)) {
                for axis in VariantAxis.allCases {
                    guard let node = when.node(axis.rawValue) else { continue }
                    if case .scalar(let scalar) = node {
                        entry.when[axis] = [scalar.string]
                    } else {
                        entry.when[axis] = try when.strings(axis.rawValue)
                    }
                }
            }
            entries.append(entry)
        }
        return entries
    }

    /// The outputs, sorted by name.
    static func outputs(_ group: YAMLSection) throws(Problem) -> [ImageOutput] {
        guard let node = group.node("outputs") else { throw group.missing("outputs") }
        guard case .mapping(let mapping) = node, !mapping.isEmpty else {
            throw group.problem("outputs are not a mapping of names to what they are", at: "outputs", remedy: "write `kernel: {…}` lines")
        }
        var outputs: [ImageOutput] = []
        for (key, value) in mapping {
            let section = try YAMLSection(
                value, file: group.file, title: "the output \(key.string ?? "?")",
                keys: ["patterns", "format", "size", "programs", "shared"])
            guard let name = key.string, VariantAxis.isValue(name) else {
                throw section.problem(
                    "an output cannot be called '\(key.string ?? "?")'", at: "patterns",
                    remedy: "use lower-case letters, digits, '-', '.' and '_'")
            }
            outputs.append(try output(name, section))
        }
        return outputs.sorted { $0.name < $1.name }
    }

    private static func output(_ name: String, _ section: YAMLSection) throws(Problem) -> ImageOutput {
        let patterns = try section.strings("patterns")
        guard !patterns.isEmpty else { throw section.missing("patterns") }
        for pattern in patterns where pattern.hasPrefix("/") || pattern.split(separator: "/").contains("..") {
            throw section.problem("the pattern '\(pattern)' leads out of the output folder", at: "patterns", remedy: "leave out / and ..")
        }
        let text = try section.string("format")
        guard let format = ImageOutput.Format(rawValue: text) else {
            throw section.problem(
                "unknown format '\(text)'", at: "format",
                remedy: "use \(ImageOutput.Format.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        var output = ImageOutput(name: name, patterns: patterns, format: format, programs: try section.strings("programs"))
        let size = try section.string("size")
        guard let bytes = bytes(size) else {
            throw section.problem("'\(size)' is not a range of sizes", at: "size", remedy: "write it as 1M-8G")
        }
        output.bytes = bytes
        guard output.programs.isEmpty || format == .wic || format == .archive else {
            throw section.problem(
                "programs cannot be looked up in a \(format.rawValue)", at: "programs", why: "only in a wic or an archive",
                remedy: "remove them")
        }
        for path in output.programs where !path.hasPrefix("/") || path.contains(where: { $0.isWhitespace || $0 == "\"" }) {
            throw section.problem("the program '\(path)' is not an absolute path", at: "programs", remedy: "start it with /")
        }
        guard section.node("shared") != nil else { return output }
        var shared: [VariantAxis] = []
        for word in try section.strings("shared") {
            guard let axis = VariantAxis(rawValue: word) else {
                throw section.problem(
                    "unknown axis '\(word)'", at: "shared", remedy: "use \(VariantAxis.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            shared.append(axis)
        }
        output.shared = shared.sorted()
        return output
    }

    /// `1M-8G` in bytes.
    static func bytes(_ text: String) -> ClosedRange<Int64>? {
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count == 2, let low = size(halves[0]), let high = size(halves[1]), low <= high else { return nil }
        return low...high
    }

    private static func size(_ text: Substring) -> Int64? {
        let shifts: [Character: Int64] = ["K": 10, "M": 20, "G": 30]
        let shift = text.last.flatMap { shifts[$0] }
        guard let number = Int64(shift == nil ? text : text.dropLast()), number >= 0, number < 1 << 30 || shift == nil else { return nil }
        return number << (shift ?? 0)
    }
}
