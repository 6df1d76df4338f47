import FoundationEssentials
import LabEvents

/// The end of a run whose owner could not write it.
public enum LostRun {
    /// Completes result.json and manifest.json if the owner left the run unfinished.
    ///
    /// - Parameters:
    ///   - cause: why the owner is gone.
    ///   - signal: that asked for the end of the run; nil when nobody did.
    public static func record(_ run: RunDirectory, cause: String, signal: Int32? = nil) {
        let redactor = Redactor()
        let request = (try? Data(contentsOf: URL(filePath: run.path + "/request.json"))).flatMap {
            try? JSONDecoder().decode(RunRequest.self, from: $0)
        }
        let keeper = ResultKeeper(run: run, scenario: request?.scenario ?? "", redactor: redactor)
        keeper.replay()
        FaultLedger.end(run)
        guard !keeper.isFinished else { return }
        let end = LabEvent.RunFinished(
            outcome: signal == nil ? .ownerLost : .interrupted, exitCode: signal.map { 128 + $0 } ?? 1, seconds: 0, cause: cause)
        keeper.record(LabEvent(sequence: 0, time: Date(), severity: .error, kind: .runFinished(end)))
        keeper.write()
        Manifest.complete(run, outcome: end, redactor: redactor)
    }
}
