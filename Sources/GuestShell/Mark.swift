/// A random word that frames one command's output. 128 bits from the system's generator, made anew for every command, so that no output can contain it
/// except by copying it, and the closing mark reaches the guest's worker only through a port that the command cannot open (a virtio port opens once).
struct Mark: Hashable, Sendable {
    /// 32 lower-case hexadecimal digits.
    let text: String

    /// The length of every mark in bytes.
    static let length = 32

    /// A fresh random mark.
    static func random() -> Mark {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// A mark from the given generator, for tests that must repeat.
    static func random(using generator: inout some RandomNumberGenerator) -> Mark {
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        for _ in 0..<4 {
            var word = UInt32.random(in: .min ... .max, using: &generator)
            for _ in 0..<8 {
                bytes.append(digits[Int(word & 15)])
                word >>= 4
            }
        }
        return Mark(text: String(decoding: bytes, as: UTF8.self))
    }

    /// The mark's bytes as they stand in a stream.
    var bytes: [UInt8] { Array(text.utf8) }
}
