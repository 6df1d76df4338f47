import Foundation
import Testing

@testable import LabEvents

@Suite(.tier(.unit)) struct JSONLineTests {
    @Test(arguments: Sample.all) func `an event's line is exactly this`(_ sample: Sample) {
        #expect(String(decoding: sample.event.jsonLine(), as: UTF8.self) == sample.json)
    }

    @Test(arguments: Sample.all) func `an event survives its line and any coder`(_ sample: Sample) throws {
        #expect(try LabEvent.decode(jsonLine: sample.event.jsonLine()) == sample.event)
        let data = try JSONEncoder().encode(sample.event)
        #expect(try JSONDecoder().decode(LabEvent.self, from: data) == sample.event)
        #expect(try LabEvent.decode(jsonLine: data) == sample.event)
    }

    @Test func `the samples and the readers know every kind`() {
        #expect(Set(Sample.all.map(\.kind.type)) == LabEvent.Kind.types)
    }

    @Test func `fields that are unknown are ignored and types that are unknown are skipped`() throws {
        let more = #"{"v":1,"seq":1,"time":"2026-11-21T04:42:00.000Z","severity":"info","type":"message","text":"t","later":{"x":[1]}}"#
        #expect(try LabEvent.decode(jsonLine: more.utf8)?.kind == .message(.init(text: "t")))
        let other = #"{"v":1,"seq":1,"time":"2026-11-21T04:42:00.000Z","severity":"info","type":"weather","text":7}"#
        #expect(try LabEvent.decode(jsonLine: other.utf8) == nil)
    }

    struct Bad: CustomTestStringConvertible {
        var line: String
        var why: String
        var testDescription: String { why }
    }

    @Test(arguments: [
        Bad(line: "{}", why: "it has no 'type'"),
        Bad(line: #"{"v":2,"seq":1,"time":"2026-11-21T04:42:00.000Z","severity":"info","type":"message","text":"t"}"#, why: "version 2"),
        Bad(line: #"{"v":1,"seq":1,"time":"yesterday","severity":"info","type":"message","text":"t"}"#, why: "'yesterday' is no time"),
        Bad(line: #"{"v":1,"seq":"x","time":"2026-11-21T04:42:00.000Z","severity":"info","type":"message","text":"t"}"#, why: "'seq'"),
        Bad(line: #"{"v":1,"seq":1,"#, why: ""),
    ]) func `a line that is no event says why`(_ bad: Bad) {
        let problem = #expect(throws: Problem.self) { try LabEvent.decode(jsonLine: bad.line.utf8) }
        #expect(problem?.kind == .invalidInput)
        #expect(problem?.why?.contains(bad.why) == true || bad.why.isEmpty)
    }

    @Test func `numbers that JSON does not have pass through`() throws {
        let event = LabEvent(
            sequence: 1, time: Date(timeIntervalSince1970: 0), severity: .info,
            kind: .runFinished(.init(outcome: .passed, exitCode: 0, seconds: .infinity)))
        #expect(try LabEvent.decode(jsonLine: event.jsonLine()) == event)
    }

    @Test func `times agree with Foundation and survive`() throws {
        let format = ISO8601DateFormatter()
        format.formatOptions = [.withInternetDateTime]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let milliseconds = Int.random(in: -62_167_219_200_000...253_402_300_799_999, using: &random)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            let text = EventTime.text(date)
            #expect(EventTime.date(text) == date)
            // Foundation's calendar is the Julian one before 1582.
            guard milliseconds > -12_000_000_000_000 else { continue }
            let whole = Date(timeIntervalSince1970: (Double(milliseconds) / 1000).rounded(.down))
            #expect(format.string(from: whole).dropLast() + text.suffix(5) == text)
        }
        #expect(EventTime.text(Date(timeIntervalSince1970: .nan)) == "1970-01-01T00:00:00.000Z")
        #expect(EventTime.text(Date(timeIntervalSince1970: 1e300)) == "9999-12-31T23:59:59.999Z")
        for bad in ["2026-13-21T04:42:00.000Z", "2026-11-21 04:42:00.000Z", "2026-11-21T04:42:00Z", "2026-11-21T24:42:00.000Z"] {
            #expect(EventTime.date(bad) == nil)
        }
    }
}
