public import LabEvents
import Synchronization

/// Makes a run's result from its events.
public final class ResultRecorder: EventRecorder {
    private struct State {
        var result = RunResult()
        var isTearingDown = false
    }

    private let state = Mutex(State())

    /// A recorder at the beginning of a run.
    /// - Parameter standIn: What takes the place of k3s in this run.
    public init(standIn: String? = nil) { state.withLock { $0.result.standIn = standIn } }

    /// The result so far; it has an outcome once the run has finished.
    public var result: RunResult { state.withLock { $0.result } }

    /// Takes an event.
    public func record(_ event: LabEvent) { state.withLock { Self.apply(event, &$0) } }

    private static func apply(_ event: LabEvent, _ state: inout State) {
        // A kept lab goes on after its run, whose result stays what it was.
        guard state.result.outcome == nil else { return }
        switch event.kind {
        case .runStarted(let started):
            (state.result.run, state.result.scenario, state.result.startedAt) = (started.run, started.scenario, event.timeText)
            state.result.seed = started.seed
            (state.result.accelerator, state.result.profile) = (started.accelerator, started.profile)
            for name in started.nodes { change(name, &state.result) { _ in } }
        case .lab(let lab): state.isTearingDown = lab.state == .tearingDown || lab.state == .down
        case .node(let node):
            guard !state.isTearingDown, let name = event.node else { return }
            change(name, &state.result) { known in
                known.finalState = node.state
                known.boots = max(known.boots, node.boot)
                if node.state == .booting { known.readySeconds = nil }
                if node.state == .ready, let seconds = node.seconds { known.readySeconds = seconds }
            }
        case .step(let step):
            let new = RunResult.Step(name: step.step, state: step.state, seconds: step.seconds, detail: step.detail)
            if step.state != .started, let index = state.result.steps.lastIndex(where: { $0.name == step.step && $0.state == .started }) {
                state.result.steps[index] = new
            } else {
                state.result.steps.append(new)
            }
        case .phase(let phase): state.result.note(phase, node: event.node)
        case .problem(let report): state.result.problems.append(report.problem)
        case .runFinished(let finished):
            (state.result.outcome, state.result.exitCode) = (finished.outcome, finished.exitCode)
            (state.result.seconds, state.result.cause, state.result.finishedAt) = (finished.seconds, finished.cause, event.timeText)
        case .image, .decision, .console, .machine, .process, .fault, .command, .message, .takeover: break
        }
    }

    private static func change(_ name: String, _ result: inout RunResult, _ body: (inout RunResult.Node) -> Void) {
        if let index = result.nodes.firstIndex(where: { $0.name == name }) { return body(&result.nodes[index]) }
        var node = RunResult.Node(name: name)
        body(&node)
        result.nodes.append(node)
    }
}
