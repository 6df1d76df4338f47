import FoundationEssentials
import GuestShell
import LabEvents
import Synchronization

extension Node {
    /// Seconds that the guest's clock (CLOCK_REALTIME) is ahead of the host's; negative when it is behind. Right to a second.
    func clockOffset() async throws -> Double {
        let before = Date().timeIntervalSince1970
        // The variable is bash's own, and needs no process.
        let text = try await run(#"echo "${EPOCHREALTIME:-$(date +%s).5}""#).stdout.trimmed.replacing(",", with: ".")
        let after = Date().timeIntervalSince1970
        guard let seconds = Double(text) else { throw Problem(.failure, "\(name) does not say what time it is", why: "it says '\(text)'") }
        return seconds - (before + after) / 2
    }

    /// Gives the guest the host's time, or what a fault has put in its place.
    func setClock() async throws {
        let shift = mutable.withLock { $0.clockShift }
        // busybox takes whole seconds only.
        let seconds = Int((Date().timeIntervalSince1970 + Double(shift)).rounded())
        try await run("date -u -s @\(seconds)")
    }
}
