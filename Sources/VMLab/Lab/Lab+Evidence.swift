import LabEvents
import VDE

extension Lab {
    /// Takes what will be gone with the lab: the tables of the switches. What cannot be had is left out; evidence never makes a run fail.
    func gatherEvidence() async {
        await withTaskGroup(of: Void.self) { group in
            for segment in segments {
                group.addTask {
                    guard let found = try? segment.vdeSwitch(), let text = try? await found.tables() else { return }
                    let path = "\(self.context.run.path)/network/switch-\(segment.name).ports.txt"
                    try? AtomicFile.write(Array(text.utf8), to: path, redactor: self.secrets)
                }
            }
            // A switch that hangs must not hold up the end.
            group.addTask { try? await Task.sleep(for: .milliseconds(1500)) }
            for _ in segments { await group.next() }
            group.cancelAll()
        }
    }
}
