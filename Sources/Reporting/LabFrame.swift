import FoundationEssentials
import LabEvents

/// The block below the scrolling lines: the lab, its nodes and the running steps, in at most as many lines as there is room for.
struct LabFrame {
    /// A part of a line in one style.
    struct Segment: Equatable {
        var text: String
        /// The parameter of SGR (ECMA-48): 2 dim, 31 red, 32 green, 33 yellow; nil for plain.
        var style: Int?
    }

    /// The lines; none is wider than the screen.
    let lines: [[Segment]]

    /// - Parameters:
    ///   - view: What is shown.
    ///   - columns: The screen's width. The last column stays free: some terminals go to the next line when it is written.
    ///   - rows: The screen's height. The last row stays free for the cursor.
    init(_ view: LabView, at now: Date, columns: Int, rows: Int) {
        var room = rows - 1
        guard !view.isFinished, let start = view.start, room > 0, columns > 4 else {
            lines = []
            return
        }
        let title = view.scenario.isEmpty ? "lab" : view.scenario
        var lines = [[Segment(text: "\(title): \(EventText.word(view.state)) · \(Self.elapsed(start, now))")]]
        room -= 1
        var steps = Self.steps(view, now, room: min(4, room / 2))
        if let image = view.image { steps.insert([Segment(text: "  \(image)")], at: 0) }
        steps = Array(steps.prefix(room))
        lines += Self.nodes(view, now, room: room - steps.count) + steps
        self.lines = lines.map { Self.cut($0, to: columns - 1) }
    }

    private static func elapsed(_ since: Date, _ now: Date) -> String { TerminalText.seconds(now.timeIntervalSince(since)) }

    private static func steps(_ view: LabView, _ now: Date, room: Int) -> [[Segment]] {
        guard !view.steps.isEmpty, room > 0 else { return [] }
        let shown = view.steps.count > room ? room - 1 : room
        let lines = view.steps.prefix(shown).map { [Segment(text: "  > \($0.name)  \(elapsed($0.since, now))")] }
        let rest = view.steps.count - lines.count
        return rest > 0 ? lines + [[Segment(text: "  … \(rest) more steps")]] : lines
    }

    private static func nodes(_ view: LabView, _ now: Date, room: Int) -> [[Segment]] {
        guard room > 0 else { return [] }
        // Who may need a look stays, in the plan's order.
        let ranked = view.nodes.indices.sorted { (rank(view.nodes[$0].state), $0) < (rank(view.nodes[$1].state), $1) }
        let chosen = view.nodes.count > room ? ranked.prefix(room - 1).sorted() : Array(view.nodes.indices)
        let shown = chosen.map { view.nodes[$0] }
        let width = min(20, shown.map { TerminalText.width($0.name) }.max() ?? 0)
        var lines = shown.map { line($0, now, width) }
        guard chosen.count < view.nodes.count else { return lines }
        let rest = Set(view.nodes.indices).subtracting(chosen).map { view.nodes[$0].state }
        let counts = LabEvent.NodeState.allCases.sorted { rank($0) < rank($1) }.compactMap { state in
            let count = rest.filter { $0 == state }.count
            return count > 0 ? (count, state.rawValue) : nil
        }
        let text = counts.enumerated().map { $0 == 0 ? "\($1.0) more \($1.1)" : "\($1.0) \($1.1)" }.joined(separator: ", ")
        lines.append([Segment(text: "  … \(text)")])
        return lines
    }

    private static func line(_ node: LabView.Node, _ now: Date, _ width: Int) -> [Segment] {
        let name = TerminalText.padded(TerminalText.cut(node.name, to: width), to: width)
        let boot = node.boot > 0 ? "boot \(node.boot)" : ""
        let time = elapsed(node.since, now)
        let facts = TerminalText.padded(boot, to: 7) + String(repeating: " ", count: max(0, 8 - time.count)) + time
        var line = [
            Segment(text: "  \(name)  "), Segment(text: TerminalText.padded(node.state.rawValue, to: 9), style: style(node.state)),
            Segment(text: facts),
        ]
        if !node.console.isEmpty { line.append(Segment(text: "  \(node.console)", style: 2)) }
        return line
    }

    private static func rank(_ state: LabEvent.NodeState) -> Int {
        switch state {
        case .panicked, .lost: 0
        case .booting: 1
        case .paused: 2
        case .waiting: 3
        case .ready: 4
        case .off: 5
        }
    }

    private static func style(_ state: LabEvent.NodeState) -> Int? {
        switch state {
        case .panicked, .lost: 31
        case .ready: 32
        case .booting, .paused: 33
        case .waiting, .off: nil
        }
    }

    private static func cut(_ line: [Segment], to columns: Int) -> [Segment] {
        var room = columns
        var result: [Segment] = []
        for segment in line where room > 0 {
            let text = TerminalText.cut(segment.text, to: room)
            room -= TerminalText.width(text)
            result.append(Segment(text: text, style: segment.style))
            if text != segment.text { break }
        }
        return result
    }
}
