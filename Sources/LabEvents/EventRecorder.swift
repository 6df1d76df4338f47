/// Makes something of a run's events: a file, lines on a terminal, a report.
public protocol EventRecorder: Sendable {
    /// Takes an event. The calls come one at a time and in the order of the events' numbers, from any thread. A recorder may itself record an event.
    func record(_ event: LabEvent)
}
