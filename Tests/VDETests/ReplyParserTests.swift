import Foundation
import LabEvents
import Testing

@testable import VDE

@Suite("The management protocol's parser", .tier(.unit)) struct ReplyParserTests {
    static let greeting = "VDE switch V.2.3.2\n(C) Virtual Square Team (coord. R. Davoli) 2005,2006,2007 - GPLv2\n\nvde$ "

    private static let transcript =
        greeting + "1000 Success\n\nvde$ 0000 DATA END WITH '.'\nVLAN 0000\n -- Port 0001 tagged=0\n.\n1000 Success\n\nvde$ "
        + "3011 port/+ 02\n1017 File exists\n\nvde$ 0000 DATA END WITH '.'\n.\n1006 No such device or address\n\nvde$ "

    private static let items: [ReplyParser.Item] = [
        .prompt, .reply(ManagementReply(code: 1000, text: "Success", data: [])), .prompt,
        .reply(ManagementReply(code: 1000, text: "Success", data: ["VLAN 0000", " -- Port 0001 tagged=0"])), .prompt,
        .reply(ManagementReply(code: 1017, text: "File exists", data: [])), .prompt,
        .reply(ManagementReply(code: 1006, text: "No such device or address", data: [])), .prompt,
    ]

    @Test func `a conversation is understood in pieces of any size`() {
        let bytes = Array(Self.transcript.utf8)
        for size in 1...bytes.count {
            var parser = ReplyParser()
            var items: [ReplyParser.Item] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                items += parser.append(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(items == Self.items, "pieces of \(size)")
        }
    }

    @Test func `any text in a table stays in the table`() {
        let lines = ["1000 Success", "vde$ ", "", "0000 DATA END WITH '.'", "..", " .", "9999 END OF SESSION", "\u{1b}[0m äöü"]
        var parser = ReplyParser()
        let text = "0000 DATA END WITH '.'\n" + lines.joined(separator: "\n") + "\n.\n1000 Success\n\nvde$ "
        #expect(parser.append(text.utf8) == [.reply(ManagementReply(code: 1000, text: "Success", data: lines)), .prompt])
    }

    @Test func `an answer without an end does not fill the memory`() {
        var parser = ReplyParser()
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 4096)
        var items = parser.append(Array("0000 DATA END WITH '.'\n".utf8))
        for _ in 0...(ReplyParser.limit / line.count) { items += parser.append(line) }
        #expect(items == [.overflow])
        #expect(parser.append("\n1000 Success\n\nvde$ ".utf8).last == .prompt)
    }

    /// Random numbers that repeat with the seed.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ state >> 29) &* 0xbf58_476d_1ce4_e5b9
        }
    }

    @Test func `garbage neither crashes the parser nor outlives the prompt`() {
        let environment = ProcessInfo.processInfo.environment
        let cases = environment["VMLAB_FUZZ_CASES"].flatMap { Int($0) } ?? 5000
        let seed = environment["VMLAB_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
        var random = Generator(state: seed)
        let pieces = [
            "\n", ".", ".\n", "1000 ", "1017 File exists\n", "vde$ ", "\nvde$ ", "0000 DATA END WITH '.'\n", "0000 DATA", "\0", "\u{fffd}",
        ]
        for _ in 0..<cases {
            var parser = ReplyParser()
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                bytes +=
                    Bool.random(using: &random)
                    ? Array(pieces.randomElement(using: &random).map(\.utf8) ?? "".utf8) : [UInt8.random(in: 0...255, using: &random)]
            }
            var whole = ReplyParser()
            let expected = whole.append(bytes)
            var items: [ReplyParser.Item] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...rest.count, using: &random)
                items += parser.append(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(items == expected, "seed \(seed)")
            // The end of an open line, of an open table and of its answer; then all is as in the beginning.
            _ = parser.append("\n.\n1000 Success\n\nvde$ ".utf8)
            #expect(
                parser.append("1017 File exists\n\nvde$ ".utf8)
                    == [.reply(ManagementReply(code: 1017, text: "File exists", data: [])), .prompt], "seed \(seed)")
        }
    }
}

@Suite("The management session", .tier(.unit)) struct ManagementSessionTests {
    private let session = ManagementSession()
    private let wire = EventHistory<String>()

    private func open(greeted: Bool = true) {
        session.open { [wire] in wire.append(String(decoding: $0, as: UTF8.self)) }
        if greeted { session.receive(ReplyParserTests.greeting.utf8) }
    }

    private func sent(_ index: Int) async -> String? {
        await wire.dropFirst(index).first { _ in true }
    }

    @Test func `commands go out one at a time, the first after the prompt`() async {
        async let first = session.call("a")
        open(greeted: false)
        #expect(wire.count == 0)
        session.receive(ReplyParserTests.greeting.utf8)
        #expect(await sent(0) == "a\n")
        async let second = session.call("b")
        session.receive("1000 Success\n".utf8)
        #expect(wire.count == 1)
        session.receive("\nvde$ ".utf8)
        #expect(await first == .success(ManagementReply(code: 1000, text: "Success", data: [])))
        #expect(await sent(1) == "b\n")
        session.receive("1017 File exists\n\nvde$ ".utf8)
        #expect(await second == .success(ManagementReply(code: 1017, text: "File exists", data: [])))
    }

    @Test func `a prompt without an answer is an error, and the next command has its own`() async {
        open()
        async let first = session.call("a")
        _ = await sent(0)
        session.receive("\nvde$ ".utf8)
        #expect(await first == .failure(.unanswered))
        async let second = session.call("b")
        _ = await sent(1)
        session.receive("1000 Success\n\nvde$ ".utf8)
        #expect(await second == .success(ManagementReply(code: 1000, text: "Success", data: [])))
    }

    @Test func `a cancelled wait ends at once, and its late answer is nobody's`() async {
        open()
        await withTaskGroup(of: ManagementSession.Answer.self) { group in
            group.addTask { await session.call("a") }
            _ = await sent(0)
            group.addTask { await session.call("never sent") }
            group.cancelAll()
            for await answer in group { #expect(answer == .failure(.cancelled)) }
        }
        async let second = session.call("b")
        session.receive("1017 File exists\n\nvde$ ".utf8)
        #expect(await sent(1) == "b\n")
        session.receive("1000 Success\n\nvde$ ".utf8)
        #expect(await second == .success(ManagementReply(code: 1000, text: "Success", data: [])))
    }

    @Test func `the end of the connection ends every call, and says which was sent`() async {
        open()
        async let first = session.call("a")
        _ = await sent(0)
        async let second = session.call("b")
        session.close(reason: "gone")
        #expect(await first == .failure(.closed(wasSent: true, reason: "gone")))
        #expect(await second == .failure(.closed(wasSent: false, reason: "gone")))
        #expect(await session.call("c") == .failure(.closed(wasSent: false, reason: "gone")))
        #expect(session.isClosed)
    }
}
