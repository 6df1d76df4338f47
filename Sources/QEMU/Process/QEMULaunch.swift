import FoundationEssentials
import LabEvents

/// The time between the start of a QEMU process and its first answer.
struct QEMULaunch {
    let configuration: QEMUConfiguration
    let options: QEMUOptions
    let process: QEMUProcess
    /// The length of the log before the start, so that an earlier run's words are not taken for this one's.
    let logStart: Int

    /// Waits until QEMU answers, which it does when the whole machine is made.
    func connect() async throws -> (QMPSocketMonitor, ProcessRecord) {
        let record = try await spawned()
        let path = configuration.monitorSocket
        let transcript = options.transcript
        let process = self.process
        let monitor = await withDeadline(options.startLimit) { () -> QMPSocketMonitor? in
            while process.end == nil, !Task.isCancelled {
                if let monitor = try? await QMPSocketMonitor.connect(path: path, transcript: transcript) { return monitor }
                // Nothing announces the socket; QEMU makes it a few milliseconds after its start.
                try? await Task.sleep(for: .milliseconds(10))
            }
            return nil
        }
        if let monitor { return (monitor, record) }
        try Task.checkCancellation()
        if let status = process.end { throw StartupFailure(configuration, status: status, text: words()).problem }
        throw Problem(
            .failure, "QEMU does not answer on its QMP socket", location: path,
            why: "waited \(options.startLimit) for guest \(configuration.name); QEMU runs (pid \(record.pid)) and says: \(words())",
            remedy: "look at \(options.log)")
    }

    private func spawned() async throws -> ProcessRecord {
        for await step in process.steps {
            switch step {
            case .spawned(let record): return record
            case .failed(let problem): throw problem
            case .ended: continue
            }
        }
        throw CancellationError()
    }

    /// What QEMU wrote to its log in this start, at most the last 4 KiB.
    private func words() -> String {
        let bytes = (try? Data(contentsOf: URL(filePath: options.log))) ?? Data()
        return String(decoding: bytes.dropFirst(logStart).suffix(4096), as: UTF8.self)
    }
}
