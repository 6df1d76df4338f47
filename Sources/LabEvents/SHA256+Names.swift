package import Crypto

extension SHA256 {
    /// The digest of a list of names. Each name ends with a NUL, so that ("a", "bc") and ("ab", "c") differ.
    package static func hash(names: [String]) -> [UInt8] {
        var hash = SHA256()
        for name in names { hash.update(data: Array(name.utf8) + [0]) }
        return Array(hash.finalize())
    }
}
