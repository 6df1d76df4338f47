import LabEvents
import Testing

@testable import Reporting

@Suite(.tier(.unit)) struct LiveTests {
    private func start(_ run: Run, _ recorder: TerminalRecorder, nodes: Int) {
        let names = (1...nodes).map { "node-\($0)" }
        recorder.record(run.event(0, .runStarted(.init(run: "r-1", scenario: "many", plan: "p", nodes: names, owner: 1))))
        for name in names {
            recorder.record(run.event(1, .node(.init(state: .booting, boot: 1)), node: name))
            recorder.record(run.event(4, .node(.init(state: .ready, boot: 1, seconds: 3)), node: name))
        }
    }

    @Test func `the block stands below the lines`() {
        let run = Run()
        let recorder = run.recorder(.live(colors: true))
        var terminal = TinyTerminal(columns: 80, rows: 24)
        let story = run.story()
        for event in story.prefix(12) { recorder.record(event) }
        run.advance(to: 4.2)
        recorder.tick()
        terminal.feed(run.take())
        #expect(
            terminal.text == """
                  0.0 s  run r-1: two nodes (a, b)
                  0.1 s  mini: built in 13.5 s
                two nodes: running · 4.2 s
                  a  ready    boot 1    1.0 s  Linux version \\u{7}6.1
                  b  waiting            4.0 s
                  > ping  0.9 s
                """)
        #expect(!terminal.isCursorVisible)
        for event in story[12..<18] { recorder.record(event) }
        run.advance(to: 7)
        recorder.tick()
        terminal.feed(run.take())
        #expect(
            terminal.text == """
                  0.0 s  run r-1: two nodes (a, b)
                  0.1 s  mini: built in 13.5 s
                  4.8 s  ping: failed (1.5 s): no answer
                  4.9 s  warning: slow host
                         expect more
                  5.0 s  b: GUEST_PANICKED
                error: b did not answer
                  where: node b
                  why: it panicked
                  do: look
                  6.0 s  build 2 owns the lab now, before it 1
                two nodes: running · 7.0 s
                  a  ready    boot 1    3.8 s  Linux version \\u{7}6.1
                  b  waiting            6.8 s
                """)
        recorder.record(story[18])
        recorder.finish()
        terminal.feed(run.take())
        #expect(terminal.text.hasSuffix("  6.0 s  build 2 owns the lab now, before it 1\nfailed in 12.3 s: step ping failed · /runs/r-1"))
        #expect(terminal.isCursorVisible && terminal.column == 0 && terminal.wraps == 0 && terminal.unknown.isEmpty)
        recorder.record(story[18])
        recorder.tick()
        recorder.finish()
        #expect(run.output.isEmpty)
    }

    @Test func `a small screen has a summary`() {
        let run = Run()
        run.resize(40, 10)
        let recorder = run.recorder(.live(colors: true))
        var terminal = TinyTerminal(columns: 40, rows: 10)
        start(run, recorder, nodes: 14)
        recorder.record(run.event(5, .node(.init(state: .panicked, boot: 1)), node: "node-12"))
        recorder.record(run.event(5, .node(.init(state: .waiting, boot: 1)), node: "node-13"))
        recorder.record(run.event(5, .console(.init(boot: 1, line: "日本語日本語 and a line that is too long")), node: "node-2"))
        for number in 1...6 { recorder.record(run.event(5, .step(.init(step: "step \(number) 日本語日本語日本語日本語日本", state: .started)))) }
        run.advance(to: 6)
        recorder.tick()
        terminal.feed(run.take())
        #expect(
            terminal.text == """
                many: planning · 6.0 s
                  node-1   ready    boot 1    2.0 s
                  node-12  panicked boot 1    1.0 s
                  node-13  waiting  boot 1    1.0 s
                  … 11 more ready
                  > step 1 日本語日本語日本語日本語日…
                  > step 2 日本語日本語日本語日本語日…
                  > step 3 日本語日本語日本語日本語日…
                  … 3 more steps
                """)
        #expect(terminal.unknown.isEmpty)
    }

    @Test(arguments: [(80, 24), (40, 10), (20, 5), (6, 2), (5, 3), (80, 1), (1, 1), (0, 0)])
    func `a frame never needs more than the screen has`(_ columns: Int, _ rows: Int) {
        let run = Run()
        run.resize(columns, rows)
        let recorder = run.recorder(.live(colors: false))
        let names = (1...9).map { "node-\($0)" }
        // No line that scrolls: only the block must fit.
        for name in names { recorder.record(run.event(0, .node(.init(state: .booting, boot: 1)), node: name)) }
        for name in names {
            recorder.record(
                run.event(0, .console(.init(boot: 1, line: "日本語 ✅ 🎉 long line of a console that is cut")), node: name, severity: .debug))
        }
        recorder.record(run.event(0, .step(.init(step: "a step 日本語日本語日本語", state: .started))))
        var terminal = TinyTerminal(columns: max(1, columns), rows: max(1, rows))
        for second in 1...5 {
            run.advance(to: Double(second))
            recorder.tick()
            terminal.feed(run.take())
        }
        #expect(terminal.scrolled.isEmpty && terminal.wraps == 0 && terminal.unknown.isEmpty)
        recorder.finish()
        terminal.feed(run.take())
        #expect(terminal.text == "" && terminal.row == 0)
    }

    @Test func `after the screen became smaller nothing of the old block is left`() {
        let run = Run()
        let recorder = run.recorder(.live(colors: false))
        start(run, recorder, nodes: 9)
        run.advance(to: 5)
        recorder.tick()
        var terminal = TinyTerminal(columns: 80, rows: 24)
        terminal.feed(run.take())
        #expect(terminal.text.contains("node-9  ready"))
        run.resize(80, 6)
        run.advance(to: 6)
        recorder.tick()
        // What a terminal does that loses rows: its upper lines scroll out.
        var small = TinyTerminal(columns: 80, rows: 6)
        small.feed(terminal.text.split(separator: "\n").map { $0 + "\r\n" }.joined())
        small.feed(run.take())
        #expect(
            small.text == """
                many: planning · 6.0 s
                  node-1  ready    boot 1    2.0 s
                  node-2  ready    boot 1    2.0 s
                  node-3  ready    boot 1    2.0 s
                  … 6 more ready
                """)
    }

    @Test func `frames are at least a tenth of a second apart, and none is drawn twice`() {
        let run = Run()
        let recorder = run.recorder(.live(colors: false))
        start(run, recorder, nodes: 1)
        run.advance(to: 5)
        recorder.tick()
        _ = run.take()
        run.advance(to: 5.05)
        recorder.tick()
        recorder.record(run.event(5.06, .message(.init(text: "hello"))))
        #expect(run.take().isEmpty)
        run.advance(to: 5.11)
        recorder.tick()
        #expect(run.take().contains("hello"))
        run.advance(to: 5.3)
        recorder.tick()
        #expect(!run.take().isEmpty)
        run.advance(to: 5.3)
        recorder.tick()
        #expect(run.take().isEmpty)
    }

    @Test func `colours are written only when they are wanted`() {
        for colors in [true, false] {
            let run = Run()
            let recorder = run.recorder(.live(colors: colors))
            start(run, recorder, nodes: 1)
            run.advance(to: 5)
            recorder.tick()
            #expect(run.output.contains("\u{1B}[32mready    \u{1B}[0m") == colors)
            #expect(run.output.contains("\u{1B}[0m") == colors)
        }
    }
}
