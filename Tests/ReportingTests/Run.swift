import Foundation
import LabEvents
import Reporting
import Synchronization

/// A recorder with a clock that is set and an output that is looked at.
final class Run: Sendable {
    private struct State {
        var output = ""
        var seconds = 0.0
        var sequence = 0
        var size = (columns: 80, rows: 24)
    }

    private static let start = Date(timeIntervalSince1970: 1_795_236_120)
    private let state = Mutex(State())

    var output: String { state.withLock { $0.output } }

    /// What was written since the last call.
    func take() -> String {
        state.withLock { state in
            defer { state.output = "" }
            return state.output
        }
    }

    func resize(_ columns: Int, _ rows: Int) { state.withLock { $0.size = (columns, rows) } }

    func recorder(_ mode: TerminalRecorder.Mode, _ verbosity: TerminalRecorder.Verbosity = .normal) -> TerminalRecorder {
        TerminalRecorder(
            mode: mode, verbosity: verbosity, runDirectory: "/runs/r-1", size: { self.state.withLock { $0.size } },
            now: { self.state.withLock { Self.start.addingTimeInterval($0.seconds) } },
            write: { text in self.state.withLock { $0.output += text } })
    }

    func advance(to seconds: Double) { state.withLock { $0.seconds = seconds } }

    /// An event at a time, which the clock then shows.
    func event(_ seconds: Double, _ kind: LabEvent.Kind, node: String? = nil, severity: LabEvent.Severity = .info) -> LabEvent {
        state.withLock { state in
            state.seconds = seconds
            state.sequence += 1
            return LabEvent(
                sequence: state.sequence, time: Self.start.addingTimeInterval(seconds), severity: severity, node: node, kind: kind)
        }
    }

    /// A short run with something of everything.
    func story() -> [LabEvent] {
        [
            event(0, .runStarted(.init(run: "r-1", scenario: "two nodes", plan: "abc", nodes: ["a", "b"], owner: 42))),
            event(0, .decision(.init(subject: "vCPUs of a", value: "1", reason: "2 processors"))),
            event(0.04, .image(.init(image: "mini", text: "80 %", isTransient: true))),
            event(0.06, .image(.init(image: "mini", text: "built in 13.5 s"))),
            event(0.1, .lab(.init(state: .booting))),
            event(0.1, .process(.init(role: "qemu", name: "a", pid: 99))),
            event(0.1, .node(.init(state: .booting, boot: 1)), node: "a"),
            event(0.2, .node(.init(state: .waiting, boot: 0, detail: "for memory")), node: "b"),
            event(1, .console(.init(boot: 1, line: "Linux \u{1B}[31mversion\u{1B}[0m \u{7}6.1")), node: "a", severity: .debug),
            event(3.2, .node(.init(state: .ready, boot: 1, seconds: 3.1)), node: "a"),
            event(3.3, .lab(.init(state: .running))),
            event(3.3, .step(.init(step: "ping", state: .started))),
            event(4, .command(.init(command: "ping b", outcome: "exit 1", seconds: 0.5, output: "no route\nto b")), node: "a"),
            event(4.8, .step(.init(step: "ping", state: .failed, seconds: 1.5, detail: "no answer")), severity: .error),
            event(4.9, .message(.init(text: "slow host\nexpect more")), severity: .warning),
            event(5, .machine(.init(name: "GUEST_PANICKED")), node: "b", severity: .error),
            event(
                5.1, .problem(.init(Problem(.failure, "b did not answer", why: "it\u{1B}]0;x\u{7} panicked", remedy: "look"))), node: "b",
                severity: .error),
            event(6, .takeover(.init(build: "2", previous: "1"))),
            event(
                12.34, .runFinished(.init(outcome: .failed, exitCode: 1, seconds: 12.34, cause: "step ping failed"))),
        ]
    }
}
