/// Where events go. The one that a lab gets redacts, numbers and distributes them; tests may collect them.
public protocol EventSink: Sendable {
    /// Takes an event. Never waits for a slow writer and never fails; a writer's trouble is an event of its own.
    func record(_ kind: LabEvent.Kind, node: String?, severity: LabEvent.Severity)
}

extension EventSink {
    /// Takes an event of severity ``LabEvent/Severity/info``.
    public func record(_ kind: LabEvent.Kind, node: String? = nil) { record(kind, node: node, severity: .info) }

    /// Takes a remark for people.
    public func message(_ text: String, node: String? = nil, severity: LabEvent.Severity = .info) {
        record(.message(LabEvent.Message(text: text)), node: node, severity: severity)
    }

    /// Takes a failure.
    public func problem(_ problem: Problem, node: String? = nil) {
        record(.problem(LabEvent.ProblemReport(problem)), node: node, severity: .error)
    }
}
