/// A random word that frames one command's output. almost 132 bits from the system's generator, made anew for every command, so that no output can contain it
/// except by copying it, and the closing mark reaches the guest's worker only through a port that the command cannot open (a virtio port opens once).
struct Mark: Hashable, Sendable {
    /// 22 letters, digits, `_` and `-`: short, because the guest's shell reads it byte by byte.
    let text: String

    /// The length of every mark in bytes.
    static let length = 22

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".utf8)

    /// A fresh random mark.
    static func random() -> Mark {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// A mark from the given generator, for tests that must repeat.
    static func random(using generator: inout some RandomNumberGenerator) -> Mark {
        // A letter first: a shell's own words never begin with the sign of an option.
        let letter = alphabet[Int.random(in: 0..<52, using: &generator)]
        let rest = (1..<length).map { _ in alphabet[Int(UInt8.random(in: 0..<64, using: &generator))] }
        return Mark(text: String(decoding: [letter] + rest, as: UTF8.self))
    }

    /// The mark's bytes as they stand in a stream.
    var bytes: [UInt8] { Array(text.utf8) }
}
