import LabEvents

extension EventText {
    /// A phase's line, indented by how deep it is nested.
    static func phase(_ phase: LabEvent.PhaseChange) -> String {
        let attempt = phase.attempt.map { " #\($0)" } ?? ""
        let facts = phase.seconds.map { " (\(TerminalText.seconds($0)))" } ?? ""
        let text = (phase.detail ?? phase.problem?.what ?? phase.reason).flatMap { $0.isEmpty ? nil : ": \($0)" } ?? ""
        return String(repeating: "  ", count: phase.depth) + phase.name + attempt + ": " + word(phase) + facts + text
    }

    private static func word(_ phase: LabEvent.PhaseChange) -> String {
        switch phase.state {
        case .passed, .failed:
            let word = phase.verdict?.words ?? phase.state.rawValue
            return phase.state == .failed && phase.optional == true ? word + ", which is only a warning" : word
        case .skipped: return "skipped" + (phase.skip.map { " (\($0.words))" } ?? "")
        case .started, .paused, .continued, .interrupted: return phase.state.rawValue
        }
    }
}
