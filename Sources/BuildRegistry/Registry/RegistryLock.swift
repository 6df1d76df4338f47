import FoundationEssentials
public import LabEvents

/// What a team has agreed on: the digest of every file of every variant, as plain text that diffs well.
///
/// One line for each artifact, `ID NAME SHA256 BYTES`, sorted; lines that begin with `#` and empty ones say nothing.
public struct RegistryLock: Sendable, Codable, Equatable {
    /// The lines, sorted by id and name.
    public private(set) var entries: [Entry]

    /// One file.
    public struct Entry: Sendable, Codable, Equatable, Comparable {
        /// The variant's id.
        public var variant: String
        /// The artifact's name.
        public var name: String
        /// SHA-256, 64 hexadecimal digits.
        public var sha256: String
        /// Its size, bytes.
        public var bytes: Int64

        /// By id, then by name.
        public static func < (one: Entry, other: Entry) -> Bool { (one.variant, one.name) < (other.variant, other.name) }
    }

    /// The lock of these images.
    public init(_ images: [RegisteredImage]) {
        entries = images.flatMap { image in
            image.artifacts.map { Entry(variant: image.variant, name: $0.name, sha256: $0.sha256, bytes: $0.bytes) }
        }.sorted()
    }

    /// Reads a lock file.
    ///
    /// - Throws: ``Problem`` of kind `invalidInput`, with the line that is wrong.
    public init(contentsOf path: String) throws(Problem) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(.invalidInput, "cannot read the lock file", location: path, remedy: "write one: vmlab image lock")
        }
        try self.init(text: String(decoding: data, as: UTF8.self), file: path)
    }

    /// Reads the text of a lock file; `file` is what errors call it.
    public init(text: String, file: String) throws(Problem) {
        entries = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            func wrong(_ why: String) -> Problem {
                Problem(
                    .invalidInput, "the lock file is damaged", location: "\(file):\(number + 1)", why: why,
                    remedy: "resolve what a merge left, or write it anew: vmlab image lock")
            }
            let words = line.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
            guard words.count == 4, let bytes = Int64(words[3]), bytes >= 0 else { throw wrong("the line is not ID NAME SHA256 BYTES") }
            guard words[2].count == 64, words[2].allSatisfy({ "0123456789abcdef".contains($0) }) else {
                throw wrong("'\(words[2])' is no SHA-256")
            }
            entries.append(Entry(variant: words[0], name: words[1], sha256: words[2], bytes: bytes))
        }
        entries.sort()
        for (one, other) in zip(entries, entries.dropFirst()) where (one.variant, one.name) == (other.variant, other.name) {
            throw Problem(
                .invalidInput, "the lock file is damaged", location: file, why: "\(one.variant) has '\(one.name)' twice",
                remedy: "resolve what a merge left, or write it anew: vmlab image lock")
        }
    }

    /// The text of the file.
    public var text: String {
        let head = "# Written by `vmlab image lock`; `vmlab image diff` compares it with the registry.\n"
        return head + entries.map { "\($0.variant) \($0.name) \($0.sha256) \($0.bytes)\n" }.joined()
    }

    /// What leads from one lock to another.
    public struct Difference: Sendable, Codable, Equatable {
        /// The variant's id.
        public var variant: String
        /// The artifact's name.
        public var name: String
        /// What there was; nil for what is new.
        public var before: Entry?
        /// What there is; nil for what is gone.
        public var after: Entry?
    }

    /// What differs in another lock, sorted by id and name.
    public func differences(to other: RegistryLock) -> [Difference] {
        struct Key: Hashable { var variant, name: String }
        func table(_ entries: [Entry]) -> [Key: Entry] {
            Dictionary(entries.map { (Key(variant: $0.variant, name: $0.name), $0) }, uniquingKeysWith: { $1 })
        }
        let (before, after) = (table(entries), table(other.entries))
        return Set(before.keys).union(after.keys).sorted { ($0.variant, $0.name) < ($1.variant, $1.name) }
            .filter { before[$0] != after[$0] }
            .map { Difference(variant: $0.variant, name: $0.name, before: before[$0], after: after[$0]) }
    }
}
