import FoundationEssentials
import LabEvents

/// What is known of a run from its events so far.
struct LabView {
    struct Node {
        var name: String
        var state = LabEvent.NodeState.off
        var boot = 0
        var since: Date
        var console = ""
    }

    struct Step {
        var name: String
        var since: Date
        /// The path of the phase; nil for a step.
        var phase: String?
    }

    private(set) var start: Date?
    private(set) var scenario = ""
    private(set) var state = LabEvent.LabState.planning
    private(set) var nodes: [Node] = []
    private(set) var steps: [Step] = []
    private(set) var image: String?
    private(set) var isFinished = false

    mutating func apply(_ event: LabEvent) {
        if start == nil { start = event.time }
        switch event.kind {
        case .runStarted(let started):
            start = event.time
            scenario = TerminalText.neutral(started.scenario)
            for name in started.nodes { change(name, event.time) { _ in } }
        case .lab(let lab):
            state = lab.state
            image = nil
        case .image(let progress):
            image = progress.isTransient ? TerminalText.neutral("\(progress.image): \(progress.text)") : nil
        case .node(let node):
            change(event.node, event.time) { known in
                if known.state != node.state || known.boot != node.boot { known.since = event.time }
                (known.state, known.boot) = (node.state, node.boot)
            }
        case .console(let console):
            // An empty line tells less than the one before it.
            let line = TerminalText.neutral(console.line)
            if line.contains(where: { $0 != " " }) { change(event.node, event.time) { $0.console = line } }
        case .phase(let phase):
            switch phase.state {
            case .started:
                let indent = String(repeating: "  ", count: phase.depth)
                steps.append(Step(name: indent + TerminalText.neutral(phase.name), since: event.time, phase: phase.phase))
            case .passed, .failed, .skipped, .interrupted:
                if let index = steps.lastIndex(where: { $0.phase == phase.phase }) { steps.remove(at: index) }
            case .paused, .continued: break
            }
        case .step(let step):
            switch step.state {
            case .started: steps.append(Step(name: TerminalText.neutral(step.step), since: event.time))
            case .passed, .failed:
                let name = TerminalText.neutral(step.step)
                if let index = steps.lastIndex(where: { $0.name == name && $0.phase == nil }) { steps.remove(at: index) }
            }
        case .runFinished: isFinished = true
        case .decision, .machine, .process, .fault, .command, .message, .problem, .takeover: break
        }
    }

    private mutating func change(_ name: String?, _ time: Date, _ body: (inout Node) -> Void) {
        guard let name = name.map({ TerminalText.neutral($0) }) else { return }
        if let index = nodes.firstIndex(where: { $0.name == name }) { return body(&nodes[index]) }
        var node = Node(name: name, since: time)
        body(&node)
        nodes.append(node)
    }
}
