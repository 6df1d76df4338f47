import FoundationEssentials
import LabEvents

/// Events as lines for people.
struct EventText {
    /// When the run began.
    var start: Date
    /// Whether what explains a result is shown too, not only the result.
    var isVerbose: Bool
    /// Where the run's files are, for the last line.
    var runDirectory: String?

    /// The lines of an event; none for what is not shown.
    func lines(_ event: LabEvent) -> [String] {
        switch event.kind {
        case .problem(let report): return problem(report.problem, event.node)
        case .runFinished(let finished): return [end(finished)]
        case .image(let image) where image.isTransient: return []
        case .message(let message):
            guard isVerbose || event.severity > .debug else { return [] }
            let label = event.severity > .info ? "\(event.severity.rawValue): " : ""
            let node = event.node.map { "\($0): " } ?? ""
            return prefixed(TerminalText.lines(node + label + message.text), event)
        case .phase where event.severity == .debug && !isVerbose, .fault where event.severity == .debug && !isVerbose: return []
        case .command(let command):
            guard isVerbose || event.severity > .info else { return [] }
            let first = (event.node ?? "") + "$ \(command.command): \(command.outcome) (\(TerminalText.seconds(command.seconds)))"
            let output = command.output.map { TerminalText.lines($0).map { "  " + $0 } } ?? []
            return prefixed(TerminalText.lines(first) + output, event)
        default:
            guard isVerbose || event.severity > .info || !explains(event.kind), let text = text(event) else { return [] }
            return prefixed([TerminalText.neutral(text)], event)
        }
    }

    /// Whether an event is shown only on demand.
    private func explains(_ kind: LabEvent.Kind) -> Bool {
        switch kind {
        case .decision, .console, .machine, .process: true
        default: false
        }
    }

    private func text(_ event: LabEvent) -> String? {
        let node = event.node ?? "lab"
        switch event.kind {
        case .runStarted(let started): return "run \(started.run): \(started.scenario) (\(started.nodes.joined(separator: ", ")))"
        case .lab(let lab): return "lab: \(Self.word(lab.state))" + Self.tail(nil, lab.reason)
        case .image(let image): return "\(image.image): \(image.text)"
        case .decision(let decision): return "\(decision.subject): \(decision.value)" + Self.tail(nil, decision.reason)
        case .node(let change):
            let facts = [change.state.isOn ? "boot \(change.boot)" : nil, change.seconds.map(TerminalText.seconds)].compactMap(\.self)
            return "\(node): \(change.state.rawValue)" + Self.tail(facts.joined(separator: ", "), change.detail)
        case .console(let console): return "\(node)| \(console.line)"
        case .machine(let machine): return "\(node): \(machine.name)" + Self.tail(nil, machine.detail)
        case .process(let process):
            return "\(process.role) \(process.name): " + (process.end.map { "ended: \($0)" } ?? "started (pid \(process.pid))")
        case .phase(let phase): return Self.phase(phase)
        case .fault(let fault): return "fault \(fault.id): \(fault.fault): \(fault.state.rawValue)" + Self.tail(nil, fault.detail)
        case .step(let step):
            return "\(step.step): \(step.state.rawValue)" + Self.tail(step.seconds.map(TerminalText.seconds), step.detail)
        case .takeover(let takeover): return "build \(takeover.build) owns the lab now, before it \(takeover.previous)"
        case .command, .message, .problem, .runFinished: return nil
        }
    }

    /// ` (facts): detail`, as far as they are there.
    private static func tail(_ facts: String?, _ detail: String?) -> String {
        let facts = facts.flatMap { $0.isEmpty ? nil : " (\($0))" } ?? ""
        return facts + (detail.flatMap { $0.isEmpty ? nil : ": \($0)" } ?? "")
    }

    /// A lab's state in words.
    static func word(_ state: LabEvent.LabState) -> String { state == .tearingDown ? "tearing down" : state.rawValue }

    private func problem(_ problem: Problem, _ node: String?) -> [String] {
        var problem = problem
        if problem.location == nil, let node { problem.location = "node \(node)" }
        return TerminalText.lines(problem.description)
    }

    private func end(_ finished: LabEvent.RunFinished) -> String {
        let outcome =
            switch finished.outcome {
            case .passed: "passed"
            case .failed: "failed"
            case .notRun: "not run"
            case .interrupted: "interrupted"
            case .ownerLost: "the owner was lost"
            }
        let line = outcome + " in \(TerminalText.seconds(finished.seconds))" + Self.tail(nil, finished.cause)
        return TerminalText.neutral(line + (runDirectory.map { " · \($0)" } ?? ""))
    }

    /// The elapsed time before the first line, and blanks before the others.
    private func prefixed(_ lines: [String], _ event: LabEvent) -> [String] {
        let elapsed = TerminalText.seconds(event.time.timeIntervalSince(start))
        let prefix = String(repeating: " ", count: max(0, 7 - elapsed.count)) + elapsed + "  "
        return lines.enumerated().map { ($0 == 0 ? prefix : String(repeating: " ", count: prefix.count)) + $1 }
    }
}
