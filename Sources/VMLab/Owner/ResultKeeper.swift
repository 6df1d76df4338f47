import LabEvents
import Reporting
import Synchronization

/// Keeps result.json true from events.
final class ResultKeeper: EventRecorder {
    private let run: RunDirectory
    private let redactor: Redactor
    private let recorder: ResultRecorder
    private let reported = Mutex<Set<String>>([])

    init(run: RunDirectory, request: RunRequest, redactor: Redactor) {
        (self.run, self.redactor) = (run, redactor)
        recorder = ResultRecorder(run: run.identifier, scenario: request.scenario)
    }

    func record(_ event: LabEvent) {
        if case .problem(let report) = event.kind { reported.withLock { _ = $0.insert(report.problem.what) } }
        recorder.record(event)
    }

    /// Whether there was an event for a problem.
    func hasReported(_ problem: Problem) -> Bool { reported.withLock { $0.contains(redactor.redact(problem.what)) } }

    /// Writes result.json. That it cannot be written has been reported by the events' file before.
    func write() {
        try? AtomicFile.write(recorder.json(), to: run.path + "/result.json", redactor: redactor)
    }
}
