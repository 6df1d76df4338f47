import LabEvents
import Testing
import VMLab

@testable import Phases

/// What waits read from guests.
@Suite("Texts from guests", .tier(.unit))
struct WaitTextTests {
    @Test("The loop's lines between a command's own output")
    func parser() {
        var parser = PollParser(mark: "m")
        var lines: [PollParser.Line] = []
        let text = "\nm 0 s\none\ntwo\n\nm 1 n exit 3\npartial\nm 4 ? exit 127\nm 5 x\nnot m 6 y\n\nm 9 yE exit 0\n\nm 10 nF gone\n"
        // Cut anywhere.
        for byte in text.utf8 { lines += parser.feed([byte]) }
        #expect(
            lines == [
                .init(number: 0), .init(number: 1, answer: .no("exit 3\none\ntwo")),
                .init(number: 4, answer: .couldNotAsk("exit 127\npartial")),
                .init(number: 5, answer: .couldNotAsk("")).with(nil),
                .init(number: 9, answer: .yes("exit 0\nnot m 6 y"), isLast: true),
                .init(number: 10, answer: .no("gone", isFinal: true), isLast: true),
            ])
    }

    @Test("Marks differ")
    func marks() { #expect(PollParser.mark() != PollParser.mark()) }

    @Test("Properties of a unit")
    func properties() {
        #expect(Node.properties("A=1\nB=\nC=x=y\nnoise\n") == ["A": "1", "B": "", "C": "x=y"])
    }

    struct PreWarm: Sendable {
        var text: String
        var isWarm: Bool
        var mattered: Bool
        var words: String
    }

    @Test(
        "What a pre-warmed connection saved",
        arguments: [
            PreWarm(
                text: "neighbour 10.0.0.1 dev eth0 lladdr ff:ff:ff:ff:ff:ff PERMANENT\nconnect 7130000 0\nconnect 2000 0\nconnect 1900 0\n",
                isWarm: true,
                mattered: true,
                words:
                    "first 7.13 s, last 0.002 s, 3 connections; it mattered; neighbour before: 10.0.0.1 dev eth0 lladdr ff:ff:ff:ff:ff:ff PERMANENT"
            ),
            PreWarm(
                text: "connect 3000 0\nconnect 2000 0\n", isWarm: true, mattered: false,
                words: "first 0.003 s, last 0.002 s, 2 connections; it made no difference; neighbour before: none"),
            PreWarm(
                text: "connect 5000000 1 Connection timed out\nconnect 2000 0\nconnect 1000 0\n", isWarm: true, mattered: true,
                words: "first 5.002 s, last 0.001 s, 3 connections; it mattered; one failed: Connection timed out; neighbour before: none"),
            PreWarm(
                text: "connect 900 1 Connection refused\nconnect 800 1 Connection refused\n", isWarm: false, mattered: false,
                words:
                    "first none, last none, 2 connections; it made no difference; it is still slow; one failed: Connection refused; neighbour before: none"
            ),
        ])
    func preWarm(_ item: PreWarm) {
        let report = PreWarmReport(host: "h", port: 1, fast: 0.05, text: item.text)
        #expect(report.isWarm == item.isWarm && report.mattered == item.mattered && report.text == item.words)
    }
}

extension PollParser.Line {
    fileprivate func with(_ observation: String?) -> Self {
        var line = self
        line.answer?.observation = observation
        return line
    }
}
