import LabEvents
import Testing

@testable import Reporting

@Suite(.tier(.unit)) struct PlainTests {
    @Test func `a run reads like this`() {
        let run = Run()
        let recorder = run.recorder(.plain)
        for event in run.story() { recorder.record(event) }
        recorder.tick()
        recorder.finish()
        #expect(
            run.output == """
                  0.0 s  run r-1: two nodes (a, b)
                  0.1 s  mini: built in 13.5 s
                  0.1 s  lab: booting
                  0.1 s  a: booting (boot 1)
                  0.2 s  b: waiting: for memory
                  3.2 s  a: ready (boot 1, 3.1 s)
                  3.3 s  lab: running
                  3.3 s  ping: started
                  4.8 s  ping: failed (1.5 s): no answer
                  4.9 s  warning: slow host
                         expect more
                  5.0 s  b: GUEST_PANICKED
                error: b did not answer
                  where: node b
                  why: it panicked
                  do: look
                  6.0 s  build 2 owns the lab now, before it 1
                failed in 12.3 s: step ping failed · /runs/r-1

                """)
    }

    @Test func `verbose adds what explains`() {
        let run = Run()
        let recorder = run.recorder(.plain, .verbose)
        for event in run.story() { recorder.record(event) }
        let lines = run.output.split(separator: "\n").map(String.init)
        for line in [
            "  0.0 s  vCPUs of a: 1: 2 processors", "  0.1 s  qemu a: started (pid 99)", "  1.0 s  a| Linux version \\u{7}6.1",
            "  4.0 s  a$ ping b: exit 1 (0.5 s)", "           no route", "           to b",
        ] { #expect(lines.contains(line)) }
        #expect(!run.output.contains("80 %"))
    }

    @Test func `a run that passed says so last`() {
        let run = Run()
        let recorder = run.recorder(.plain)
        recorder.record(run.event(0, .runFinished(.init(outcome: .passed, exitCode: 0, seconds: 12.3))))
        #expect(run.output == "passed in 12.3 s · /runs/r-1\n")
    }

    @Test func `an environment problem begins with its key`() {
        let run = Run()
        let recorder = run.recorder(.plain)
        recorder.record(run.event(0, .problem(.init(.environment(.diskFull, "no space", location: "/x"))), node: "a", severity: .error))
        #expect(run.output == "env: disk-full\nerror: no space\n  where: /x\n")
    }

    struct Guest: CustomTestStringConvertible {
        var text: String
        var shown: String
        var testDescription: String { shown }
    }

    @Test(arguments: [
        Guest(text: "plain", shown: "plain"), Guest(text: "\u{1B}[2J\u{1B}[1;31mred\u{1B}[0m", shown: "red"),
        Guest(text: "\u{1B}]0;title\u{7}x\u{1B}]52;c;AAAA\u{1B}\\y", shown: "xy"), Guest(text: "\u{1B}c\u{1B}", shown: "\\u{1b}c\\u{1b}"),
        Guest(text: "\u{1B}[3", shown: "\\u{1b}[3"), Guest(text: "\u{1B}[\u{1B}[A", shown: "\\u{1b}["),
        Guest(text: "\u{9B}2J", shown: "\\u{9b}2J"),
        Guest(text: "a\tb\rc\u{8}\u{7F}\0", shown: "a b\\u{d}c\\u{8}\\u{7f}\\u{0}"),
        Guest(text: "\u{202E}evil\u{2028}", shown: "\\u{202e}evil\\u{2028}"),
        Guest(text: "é日本", shown: "é日本"), Guest(text: "\u{1B}]0;never ends", shown: "\\u{1b}]0;never ends"),
    ]) func `nothing that a guest writes reaches the terminal as a command`(_ guest: Guest) {
        #expect(TerminalText.neutral(guest.text) == guest.shown)
        #expect(TerminalText.neutral(guest.text).unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
        // In every field of every event.
        let run = Run()
        let recorder = run.recorder(.plain, .verbose)
        let text = guest.text
        recorder.record(run.event(0, .runStarted(.init(run: text, scenario: text, plan: text, nodes: [text], owner: 1))))
        recorder.record(run.event(0, .message(.init(text: text)), node: text))
        recorder.record(run.event(0, .problem(.init(Problem(.failure, text, location: text, why: text, remedy: text)))))
        recorder.record(run.event(0, .command(.init(command: text, outcome: text, seconds: 0, output: text)), node: text))
        recorder.record(run.event(0, .step(.init(step: text, state: .failed, detail: text))))
        recorder.record(run.event(0, .runFinished(.init(outcome: .failed, exitCode: 1, seconds: 0, cause: text))))
        #expect(run.output.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value)) })
    }

    @Test func `texts are cut by columns`() {
        #expect(TerminalText.cut("abcdef", to: 6) == "abcdef")
        #expect(TerminalText.cut("abcdef", to: 5) == "abcd…")
        #expect(TerminalText.cut("日本語", to: 6) == "日本語")
        #expect(TerminalText.cut("日本語", to: 5) == "日本…")
        #expect(TerminalText.cut("日本語", to: 4) == "日…")
        #expect(TerminalText.cut("ab", to: 1) == "…")
        #expect(TerminalText.cut("ab", to: 0) == "")
    }

    struct Output: CustomTestStringConvertible {
        var isTerminal = true
        var environment: [String: String]
        var mode: TerminalRecorder.Mode
        var testDescription: String { "\(isTerminal) \(environment)" }
    }

    @Test(arguments: [
        Output(environment: ["TERM": "xterm"], mode: .live(colors: true)),
        Output(isTerminal: false, environment: ["TERM": "xterm"], mode: .plain),
        Output(environment: ["TERM": "dumb"], mode: .plain), Output(environment: [:], mode: .plain),
        Output(environment: ["TERM": "xterm", "CI": "true"], mode: .plain),
        Output(environment: ["TERM": "xterm", "NO_COLOR": "1"], mode: .live(colors: false)),
    ]) func `the mode fits the output`(_ output: Output) {
        #expect(TerminalRecorder.mode(isTerminal: output.isTerminal, environment: output.environment) == output.mode)
    }
}
