import Foundation
import Testing

@testable import QEMU

/// SplitMix64: small, seeded, the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// `VMLAB_FUZZ_CASES` sets the number of cases (10^6 at full size), `VMLAB_FUZZ_SEED` the first seed.
@Suite(.tier(.unit)) struct QMPParserFuzzTests {
    static let cases = ProcessInfo.processInfo.environment["VMLAB_FUZZ_CASES"].flatMap { Int($0) } ?? 20_000
    static let seed = ProcessInfo.processInfo.environment["VMLAB_SEED"].flatMap { UInt64($0) } ?? 1

    /// Pieces that mean something to the protocol or to a JSON reader, to be put where they do not belong.
    static let pieces: [[UInt8]] =
        [
            "{\"return\": {}}", "\"id\": 1", "{\"event\": \"STOP\"}", "\\n", "\\u0000", "\\ud800", "\"", "\\", "{", "}", "[", "]", ",", ":",
            "1e999",
            "-9223372036854775809", "null", "\r", "\t", "ä",
        ].map { Array($0.utf8) } + [[0], [0xff, 0xfe], [0xc0, 0x80], [0xed, 0xa0, 0x80]]

    @Test func `no input crashes the parser, forges a message or outlives its line`() throws {
        let sentinel: QMPMessage = .reply(identifier: 424_242, value: .string("sentinel"))
        let sentinelLine = Array("\n{\"return\": \"sentinel\", \"id\": 424242}\n".utf8)
        for number in 0..<Self.cases {
            var random = SplitMix64(state: Self.seed &+ UInt64(number))
            let (line, expected) = Self.line(&random)
            let bytes = line + sentinelLine
            var parser = QMPParser(lineLimit: 4096)
            var messages: [QMPMessage] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(rest.count, Bool.random(using: &random) ? 3 : 64), using: &random)
                messages += parser.append(rest.prefix(count)).map(\.message)
                rest = rest.dropFirst(count)
            }
            // Requirements with the seed in hand, and an early end: a million failures help nobody.
            try #require(messages.last == sentinel, "case \(number), seed \(Self.seed)")
            if let expected { try #require(messages.dropLast() == [expected], "case \(number), seed \(Self.seed)") }
            let lines = line.split(separator: UInt8(ascii: "\n")).count
            try #require(messages.count <= lines + 1, "case \(number), seed \(Self.seed)")
        }
    }

    /// A line and, when it was not damaged, the one message that it is.
    private static func line(_ random: inout SplitMix64) -> ([UInt8], QMPMessage?) {
        let hostile = (0..<Int.random(in: 0...4, using: &random)).flatMap { _ in pieces.randomElement(using: &random) ?? [] }
        let text = String(decoding: hostile, as: UTF8.self)
        let identifier = Int64.random(in: 0...1000, using: &random)
        let value: JSONValue = .object([text: .array([.string(text), .integer(identifier), .null, .bool(true)])])
        let message: [String: JSONValue] = ["return": value, "id": .integer(identifier)]
        var bytes = Array((try? JSONEncoder().encode(message)) ?? Data())
        guard Bool.random(using: &random) else { return (bytes, .reply(identifier: identifier, value: value)) }
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
            default: bytes = Array(bytes.prefix(place))
            }
        }
        return (bytes, nil)
    }
}
