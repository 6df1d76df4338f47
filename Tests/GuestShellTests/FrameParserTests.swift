import Foundation
import Testing

@testable import GuestShell

/// A generator whose sequence is decided by its seed (SplitMix64), so that a failing case can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

@Suite("Frames", .tier(.unit))
struct FrameParserTests {
    /// Feeds a stream cut at random places; returns the payload and the trailer.
    private func parse(
        _ stream: [UInt8], with parser: inout FrameParser, using generator: inout SeededGenerator
    ) throws -> (payload: [UInt8], trailer: FrameParser.Trailer?, rest: [UInt8]) {
        var payload: [UInt8] = []
        var rest = stream[...]
        while !rest.isEmpty {
            let count = Int.random(
                in: 1...max(1, min(rest.count, [1, 7, 40, 4096].randomElement(using: &generator) ?? 1)), using: &generator)
            let chunk = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            let trailer = try chunk.withUnsafeBytes { try parser.feed($0) { payload.append(contentsOf: $0) } }
            if let trailer { return (payload, trailer, Array(rest)) }
        }
        return (payload, nil, [])
    }

    @Test("Random payloads full of pieces of marks come out exactly; a foreign frame is never taken for ours")
    func fuzz() throws {
        let cases = ProcessInfo.processInfo.environment["VMLAB_FUZZ_CASES"].flatMap(Int.init) ?? 20_000
        let seed = ProcessInfo.processInfo.environment["VMLAB_SEED"].flatMap(UInt64.init) ?? 1
        var generator = SeededGenerator(seed: seed)
        for number in 0..<cases {
            let begin = Mark.random(using: &generator)
            let end = Mark.random(using: &generator)
            let foreign = Mark.random(using: &generator)
            var stray: [UInt8] = []
            var payload: [UInt8] = []
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let pieces: [[UInt8]] = [
                    Array(begin.bytes.prefix(Int.random(in: 0..<Mark.length, using: &generator))),
                    Array(end.bytes.prefix(Int.random(in: 0..<Mark.length, using: &generator))),
                    foreign.bytes + Array("e000".utf8), begin.bytes, [0, 0xFF, 0xC3, 0x28, 10],
                    (0..<Int.random(in: 0...60, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) },
                ]
                payload += pieces.randomElement(using: &generator) ?? []
                stray += foreign.bytes.prefix(Int.random(in: 0...Mark.length, using: &generator))
            }
            // A piece of the closing mark may by chance be followed by just the right digits; no guest can do that, as it never sees the mark.
            guard (payload + end.bytes).firstRange(of: end.bytes)?.lowerBound == payload.count else { continue }
            let trailer = "\(Bool.random(using: &generator) ? "e" : "s")137"
            var parser = FrameParser()
            // The second frame's opening mark stands right behind the first frame, whatever chunk it falls into.
            let next = Mark.random(using: &generator)
            let stream = stray + begin.bytes + payload + end.bytes + Array(trailer.utf8) + next.bytes
            parser.expect(begin: begin, end: end, next: next)
            let result = try parse(stream, with: &parser, using: &generator)
            let second = Mark.random(using: &generator)
            parser.proceed(end: second, next: .random(using: &generator))
            let follow = try parse(result.rest + Array("second".utf8) + second.bytes + Array("e000".utf8), with: &parser, using: &generator)
            guard follow.payload == Array("second".utf8), follow.trailer?.status == 0 else {
                Issue.record("case \(number) of seed \(seed): the frame behind it came out wrong")
                return
            }
            guard result.payload == payload, let found = result.trailer, found == FrameParser.Trailer(trailer.utf8) else {
                Issue.record("case \(number) of seed \(seed) came out wrong")
                return
            }
        }
    }

    @Test("Random bytes neither crash the parser nor make a frame")
    func noise() throws {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<2000 {
            var parser = FrameParser()
            parser.expect(begin: .random(using: &generator), end: .random(using: &generator), next: .random(using: &generator))
            let noise = (0..<Int.random(in: 1...300, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let result = try parse(noise, with: &parser, using: &generator)
            #expect(result.trailer == nil)
            #expect(result.payload.isEmpty)
        }
    }

    @Test("A closing mark without a trailer is an error, not a result")
    func corrupt() {
        var parser = FrameParser()
        let (begin, end) = (Mark.random(), Mark.random())
        parser.expect(begin: begin, end: end, next: .random())
        #expect(throws: FrameParser.Corrupt.self) {
            try (begin.bytes + end.bytes + Array("z9x9".utf8)).withUnsafeBytes { try parser.feed($0) { _ in } }
        }
    }

    @Test("What is no part of a mark goes out at once: output is not held back")
    func live() throws {
        var parser = FrameParser()
        let begin = Mark.random()
        parser.expect(begin: begin, end: .random(), next: .random())
        var seen: [UInt8] = []
        _ = try begin.bytes.withUnsafeBytes { try parser.feed($0) { seen += $0 } }
        _ = try Array("progress: 10 %\r\n".utf8).withUnsafeBytes { try parser.feed($0) { seen += $0 } }
        #expect(String(decoding: seen, as: UTF8.self) == "progress: 10 %\r\n")
    }

    @Test("A frame that ends at another mark keeps what was under way")
    func retarget() throws {
        var parser = FrameParser()
        let other = Mark.random()
        let begin = Mark.random()
        parser.expect(begin: begin, end: .random(), next: .random())
        var seen: [UInt8] = []
        _ = try begin.bytes.withUnsafeBytes { try parser.feed($0) { seen += $0 } }
        _ = try Array("before ".utf8).withUnsafeBytes { try parser.feed($0) { seen += $0 } }
        parser.retarget(end: other)
        let trailer = try (Array("after".utf8) + other.bytes + Array("e000".utf8)).withUnsafeBytes { try parser.feed($0) { seen += $0 } }
        #expect(String(decoding: seen, as: UTF8.self) == "before after")
        #expect(trailer?.status == 0)
    }
}
