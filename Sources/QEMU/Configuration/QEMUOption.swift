/// The `key=value,key=value` text of one QEMU option, with its escape rule.
///
/// QEMU ends a value at a comma; a comma that belongs to the value is written twice (`QemuOpts`, util/keyval.c).
struct QEMUOption {
    /// The text so far.
    private(set) var text: String

    /// An option that starts with a bare word, for example the device's type; nil when every part has a key.
    init(_ first: String? = nil) {
        text = first.map(Self.escape) ?? ""
    }

    /// The option with one more `key=value`; unchanged when the value is nil.
    func adding(_ key: String, _ value: String?) -> QEMUOption {
        guard let value else { return self }
        var copy = self
        copy.text += (text.isEmpty ? "" : ",") + key + "=" + Self.escape(value)
        return copy
    }

    /// The option with one more `key=value`; unchanged when the value is nil.
    func adding(_ key: String, _ value: Int?) -> QEMUOption {
        adding(key, value.map(String.init))
    }

    /// The option with one more `key=on` or `key=off`.
    func adding(_ key: String, _ value: Bool) -> QEMUOption {
        adding(key, value ? "on" : "off")
    }

    /// A value as QEMU reads it back: every comma doubled.
    static func escape(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }
}
