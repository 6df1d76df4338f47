import FoundationEssentials
import LabEvents

extension Lab {
    /// Waits until the state of a process is so, such as `T` for stopped (proc(5), /proc/PID/stat).
    func waitForProcess(_ pid: Int32, _ what: String, _ isSo: @escaping @Sendable (Substring) -> Bool) async throws {
        let last = LastSeen()
        try await budget(.command).run(pace: { self.pace }, waitingFor: what, observed: { last.text }) {
            while true {
                // The state follows the name in parentheses, which may hold any character.
                let text = (try? Data(contentsOf: URL(filePath: "/proc/\(pid)/stat"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
                let state = text.split(separator: ")").last?.split(separator: " ").first ?? ""
                last.text = "state '\(state)'"
                if isSo(state) { return }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}
