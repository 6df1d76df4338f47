public import FoundationEssentials
public import LabEvents
import Synchronization

/// Shows a run to a person: lines that stay, and on a terminal below them a block that shows where each node and step stands.
public final class TerminalRecorder: EventRecorder {
    /// What the output can do.
    public enum Mode: Sendable, Equatable {
        /// Lines only, as for a file or a CI system's log.
        case plain
        /// A terminal with a block that is drawn again and again.
        case live(colors: Bool)
    }

    /// How much is shown.
    public enum Verbosity: Sendable, Equatable {
        /// Progress and results.
        case normal
        /// Decisions, commands, processes and console lines too.
        case verbose
    }

    private struct State {
        var view = LabView()
        /// Lines that wait for the next frame.
        var pending: [String] = []
        /// The widths of the block's lines on the screen.
        var drawn: [Int] = []
        var lastFrame: String?
        var lastDraw: Date?
        var isCursorHidden = false
        var isFinished = false
    }

    private let mode: Mode
    private let verbosity: Verbosity
    private let runDirectory: String?
    private let size: @Sendable () -> (columns: Int, rows: Int)
    private let now: @Sendable () -> Date
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// The block is drawn at most once in this many seconds.
    private static let interval = 0.1

    /// A recorder at the beginning of a run, or at any later point of it.
    /// - Parameters:
    ///   - runDirectory: Where the run's files are; the last line names it.
    ///   - size: The terminal's size at the time of the call; asked for every frame.
    ///   - now: The clock of the events.
    ///   - write: Writes text to the output as it is. The calls come one at a time.
    public init(
        mode: Mode, verbosity: Verbosity = .normal, runDirectory: String? = nil,
        size: @escaping @Sendable () -> (columns: Int, rows: Int) = { (80, 24) },
        now: @escaping @Sendable () -> Date = { Date() }, write: @escaping @Sendable (String) -> Void
    ) {
        (self.mode, self.verbosity, self.runDirectory, self.size, self.now, self.write) = (mode, verbosity, runDirectory, size, now, write)
    }

    /// The mode that fits an output: live on a terminal that can move its cursor, outside of CI; colours unless `NO_COLOR` is set (no-color.org).
    public static func mode(isTerminal: Bool, environment: [String: String]) -> Mode {
        func isSet(_ name: String) -> Bool { environment[name]?.isEmpty == false }
        guard isTerminal, isSet("TERM"), environment["TERM"] != "dumb", !isSet("CI") else { return .plain }
        return .live(colors: !isSet("NO_COLOR"))
    }

    /// Takes an event. On a terminal its lines may wait for the next ``tick()``.
    public func record(_ event: LabEvent) {
        state.withLock { state in
            guard !state.isFinished else { return }
            state.view.apply(event)
            let text = EventText(start: state.view.start ?? event.time, isVerbose: verbosity == .verbose, runDirectory: runDirectory)
            if mode != .plain, isInBlock(event) { return }
            let lines = text.lines(event)
            guard mode != .plain else {
                if !lines.isEmpty { write(lines.map { $0 + "\n" }.joined()) }
                return
            }
            state.pending += lines
            if !lines.isEmpty { draw(&state) }
        }
    }

    /// Draws the block again when it is time. To be called about ten times a second; does nothing in plain mode.
    public func tick() {
        guard mode != .plain else { return }
        state.withLock { draw(&$0) }
    }

    /// Removes the block, writes what waits and shows the cursor again. Later events are not shown.
    public func finish() {
        state.withLock { state in
            guard !state.isFinished else { return }
            state.isFinished = true
            guard mode != .plain else { return }
            let text = erase(&state) + permanent(&state) + (state.isCursorHidden ? "\u{1B}[?25h" : "")
            if !text.isEmpty { write(text) }
        }
    }

    /// Whether the block shows what a line would say.
    private func isInBlock(_ event: LabEvent) -> Bool {
        guard verbosity == .normal, event.severity < .warning else { return false }
        switch event.kind {
        case .lab, .node: return true
        case .step(let step): return step.state == .started
        case .phase(let phase): return phase.state == .started
        default: return false
        }
    }

    private func draw(_ state: inout State) {
        let time = now()
        if state.isFinished { return }
        // A clock that was set back must not stop the drawing.
        if let last = state.lastDraw, abs(time.timeIntervalSince(last)) < Self.interval { return }
        let (columns, rows) = size()
        let frame = LabFrame(state.view, at: time, columns: columns, rows: rows)
        let body = frame.lines.map { render($0) + "\u{1B}[K\r\n" }.joined()
        guard !state.pending.isEmpty || body != state.lastFrame else { return }
        state.lastDraw = time
        state.lastFrame = body
        // Lines are overwritten in place and only then cleared to their end: nothing disappears between two frames.
        var text = state.isCursorHidden ? "" : "\u{1B}[?25l"
        state.isCursorHidden = true
        text += upward(state, columns: columns, rows: rows) + permanent(&state) + body + "\u{1B}[J"
        state.drawn = frame.lines.map { $0.reduce(0) { $0 + TerminalText.width($1.text) } }
        write(text)
    }

    /// Moves the cursor to the block's first line.
    private func upward(_ state: State, columns: Int, rows: Int) -> String {
        // A terminal that became narrower has broken the lines that are on it.
        let lines = state.drawn.reduce(0) { $0 + max(1, ($1 + columns - 1) / max(1, columns)) }
        let count = min(lines, max(0, rows - 1))
        return count > 0 ? "\u{1B}[\(count)A\r" : ""
    }

    private func erase(_ state: inout State) -> String {
        guard !state.drawn.isEmpty else { return "" }
        let (columns, rows) = size()
        defer { state.drawn = [] }
        return upward(state, columns: columns, rows: rows) + "\u{1B}[J"
    }

    /// The lines that wait; each clears what was there before it.
    private func permanent(_ state: inout State) -> String {
        defer { state.pending = [] }
        return state.pending.map { "\u{1B}[J\($0)\r\n" }.joined()
    }

    private func render(_ line: [LabFrame.Segment]) -> String {
        line.map { segment in
            guard mode == .live(colors: true), let style = segment.style else { return segment.text }
            return "\u{1B}[\(style)m\(segment.text)\u{1B}[0m"
        }.joined()
    }
}
