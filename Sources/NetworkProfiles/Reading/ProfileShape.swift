/// What the value of a key may be. The reader and the JSON Schema are both made of it.
indirect enum ProfileShape: Sendable {
    /// A text; the pattern is for the schema, the meaning is checked with the profile.
    case text(pattern: String? = nil)
    /// One of these words.
    case word([String])
    /// A whole number; the range is for the schema, as above.
    case integer(ClosedRange<Int>)
    /// A number; the range likewise.
    case number(ClosedRange<Double>)
    /// `true` or `false`.
    case boolean
    /// `3` or `1-4`.
    case range(ClosedRange<Int>)
    /// `12h`, `30m`, `90s`, or seconds.
    case duration
    /// An address with a prefix length, of the family or of any.
    case prefix(isIPv6: Bool?)
    /// A list.
    case list(ProfileShape)
    /// Sections by names that the author chooses; the pattern is that of the names.
    case map(ProfileKeys, pattern: String)
    /// A section of known keys.
    case section(ProfileKeys)
}

/// The keys of one kind of section.
struct ProfileKeys: Sendable {
    /// One key.
    struct Key: Sendable {
        var name: String
        var shape: ProfileShape
        var isRequired = false
        /// What it means, for the schema and so for editors.
        var text: String
        /// A value to copy.
        var example: String
    }

    /// The kind's name in the schema.
    var id: String
    /// What messages call such a section.
    var title: String
    /// The kind's meaning, for the schema.
    var text: String
    var keys: [Key]

    var names: [String] { keys.map(\.name) }
    func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}
