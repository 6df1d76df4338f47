import Foundation
import Testing

@testable import QEMU

@Suite(.tier(.unit)) struct QMPParserTests {
    static let conversation = """
        {"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "x"}, "capabilities": ["oob"]}}\r
        {"return": {}, "id": 1}\r
        \r
        {"timestamp": {"seconds": 1795226184, "microseconds": 500000}, "event": "RESET", "data": {"guest": true, "reason": "guest-reset"}}\r
        {"error": {"class": "CommandNotFound", "desc": "no such"}, "id": 2}\r
        garbage\r
        {"return": {"text": "a\\n{\\"return\\": {}}\\u0000ä"}, "id": 3}\r

        """

    @Test func `a conversation is understood, split at every byte boundary`() {
        let bytes = Array(Self.conversation.utf8)
        var whole = QMPParser()
        let messages = whole.append(bytes).map(\.message)
        #expect(messages.count == 6)
        #expect(messages.first == .greeting(version: "7.2.22"))
        #expect(messages[1] == .reply(identifier: 1, value: .object([:])))
        guard case .event(let event) = messages[2] else { return #expect(Bool(false), "\(messages[2])") }
        #expect(event.kind == .reset(byGuest: true, reason: "guest-reset"))
        #expect(event.time == Date(timeIntervalSince1970: 1_795_226_184.5))
        #expect(event.data["reason"] == .string("guest-reset"))
        #expect(messages[3] == .refusal(identifier: 2, errorClass: "CommandNotFound", description: "no such"))
        #expect(messages[4] == .malformed(reason: "not JSON", excerpt: "garbage\r"))
        #expect(messages[5] == .reply(identifier: 3, value: .object(["text": .string("a\n{\"return\": {}}\0ä")])))
        for cut in 0...bytes.count {
            var parser = QMPParser()
            let parts = parser.append(bytes[..<cut]) + parser.append(bytes[cut...])
            #expect(parts.map(\.message) == messages)
        }
    }

    @Test func `a line over the limit is reported once and skipped`() {
        var parser = QMPParser(lineLimit: 100)
        var messages: [QMPMessage] = []
        for _ in 0..<50 { messages += parser.append(Array(repeating: UInt8(ascii: "x"), count: 30)).map(\.message) }
        messages += parser.append(Array("\n{\"return\": 1, \"id\": 7}\n".utf8)).map(\.message)
        #expect(messages.count == 2)
        guard case .malformed(let reason, _) = messages.first else { return #expect(Bool(false)) }
        #expect(reason == "longer than 100 bytes")
        #expect(messages.last == .reply(identifier: 7, value: .integer(1)))
    }

    @Test func `deep nesting is refused, brackets in strings do not count`() {
        var parser = QMPParser()
        let deep = String(repeating: "[", count: 100_000) + "\n"
        guard case .malformed("nested too deeply", _) = parser.append(Array(deep.utf8)).first?.message else { return #expect(Bool(false)) }
        let brackets = "{\"return\": \"" + String(repeating: "[{\\\"", count: 1000) + "\"}\n"
        guard case .reply = parser.append(Array(brackets.utf8)).first?.message else { return #expect(Bool(false)) }
    }

    @Test(arguments: [
        ("STOP", "{}", QMPEvent.Kind.stop), ("RESUME", "{}", .resume), ("POWERDOWN", "{}", .powerdown),
        ("SHUTDOWN", #"{"guest": true, "reason": "guest-shutdown"}"#, .shutdown(byGuest: true, reason: "guest-shutdown")),
        ("GUEST_PANICKED", #"{"action": "pause"}"#, .guestPanicked(action: "pause")),
        ("VSERPORT_CHANGE", #"{"id": "channel-a", "open": true}"#, .portChanged(device: "channel-a", isOpen: true)),
        ("VSERPORT_CHANGE", "{}", .other),
        (
            "BLOCK_IO_ERROR", #"{"node-name": "disk0", "operation": "write", "reason": "full", "nospace": true, "action": "report"}"#,
            .blockError(node: "disk0", operation: "write", reason: "full", noSpace: true)
        ),
        ("NIC_RX_FILTER_CHANGED", #"{"name": "nic0", "path": "/x"}"#, .receiveFilterChanged(device: "nic0")),
        ("RTC_CHANGE", #"{"offset": 1}"#, .other),
    ]) func `events are typed`(_ name: String, _ data: String, _ kind: QMPEvent.Kind) {
        var parser = QMPParser()
        let line = #"{"event": "\#(name)", "data": \#(data), "timestamp": {"seconds": -1, "microseconds": -1}}"# + "\n"
        guard case .event(let event) = parser.append(Array(line.utf8)).first?.message else { return #expect(Bool(false)) }
        #expect(event.name == name)
        #expect(event.kind == kind)
    }
}
