import FoundationEssentials
import LabEvents
import Reporting

/// The end of a run whose owner could not write it.
public enum LostRun {
    /// Writes result.json if the owner left none.
    ///
    /// - Parameter cause: why the owner is gone.
    public static func record(_ run: RunDirectory, cause: String) {
        let path = run.path + "/result.json"
        guard !FileManager.default.fileExists(atPath: path) else { return }
        let redactor = Redactor()
        let scenario =
            (try? JSONDecoder().decode(RunRequest.self, from: Data(contentsOf: URL(filePath: run.path + "/request.json"))))?.scenario ?? ""
        let recorder = ResultRecorder(run: run.identifier, scenario: scenario)
        for line in ((try? String(contentsOfFile: run.path + "/events.jsonl", encoding: .utf8)) ?? "").split(separator: "\n") {
            if let event = try? LabEvent.decode(jsonLine: Array(line.utf8)) { recorder.record(event) }
        }
        let end = LabEvent.RunFinished(outcome: .ownerLost, exitCode: 1, seconds: 0, cause: cause)
        recorder.record(LabEvent(sequence: 0, time: Date(), severity: .error, kind: .runFinished(end)))
        try? AtomicFile.write(recorder.json(), to: path, redactor: redactor)
        Manifest.complete(run, outcome: end, redactor: redactor)
    }
}
