import FoundationEssentials
import Glibc
import LabEvents
import Reporting
import Synchronization

/// Keeps result.json true from events.
final class ResultKeeper: EventRecorder {
    private let run: RunDirectory
    private let scenario: String
    private let redactor: Redactor
    private let recorder = ResultRecorder()
    private let reported = Mutex<Set<String>>([])

    init(run: RunDirectory, scenario: String, redactor: Redactor) {
        (self.run, self.scenario, self.redactor) = (run, scenario, redactor)
    }

    /// Learns what happened before this process from the run's events, and tells the other recorder too.
    func replay(to other: (any EventRecorder)? = nil) {
        let text = (try? String(contentsOfFile: run.path + "/events.jsonl", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where !line.contains(#""type":"console""#) {
            // A line that an owner did not finish is of no use.
            guard let event = try? LabEvent.decode(jsonLine: line.utf8) else { continue }
            record(event)
            other?.record(event)
        }
    }

    func record(_ event: LabEvent) {
        if case .problem(let report) = event.kind { reported.withLock { _ = $0.insert(report.problem.what) } }
        recorder.record(event)
    }

    /// Whether there was an event for a problem.
    func hasReported(_ problem: Problem) -> Bool { reported.withLock { $0.contains(redactor.redact(problem.what)) } }

    /// Whether the run has an outcome.
    var isFinished: Bool { recorder.result.outcome != nil }

    /// Writes result.json and junit.xml. That they cannot be written has been reported by the events' file before.
    func write() {
        var result = recorder.result
        // A run that ends before its plan has no event that says so.
        (result.run, result.scenario) = (run.identifier, scenario)
        if result.outcome != nil { result.evidence = run.evidence }
        if let json = try? result.json() { try? AtomicFile.write(json, to: run.path + "/result.json", redactor: redactor) }
        try? AtomicFile.write(Array(result.junit().utf8), to: run.path + "/junit.xml", redactor: redactor)
    }
}

extension RunDirectory {
    /// What a lab needs and nobody afterwards, and the list itself.
    private static let workingFiles: Set<String> = ["lock", "request.json", "result.json", "disk0.qcow2", "uefi-variables.fd"]

    /// The files that are worth keeping, by their paths in the run directory, sorted.
    var evidence: [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).filter { file in
            let parts = file.split(separator: "/")
            guard let first = parts.first, first != "ram", let name = parts.last, !Self.workingFiles.contains(String(name)) else {
                return false
            }
            var status = stat()
            return lstat("\(path)/\(file)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }.sorted()
    }
}
