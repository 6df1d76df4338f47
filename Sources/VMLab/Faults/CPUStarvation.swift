import Glibc
import LabEvents
import QEMU
import Synchronization

/// Lets a node's QEMU run for a share of the time: it is stopped and continued (SIGSTOP, SIGCONT) ten times a second.
///
/// Neither root nor a control group of one's own is needed for that, which containers and CI systems rarely give. A lower priority would starve nobody on
/// a host with processors to spare. QMP's `stop` would stop the guest's clock too; here the guest sees what it sees on an overcommitted host: time
/// passes, and it was not its own.
final class CPUStarvation: Sendable {
    private struct State {
        /// Until then it is left running.
        var restsUntil: ContinuousClock.Instant?
    }

    private let node: Node
    private let share: Double
    private let state = Mutex(State())
    private static let period = 0.1
    /// A host that is busy may wake us late; so long the guest is never stopped at once, whatever is owed.
    private static let longestStop = 2.0

    init(_ node: Node, share: Double) { (self.node, self.share) = (node, share) }

    /// Works until the task is cancelled; then the machine runs.
    func run() async throws {
        defer { release() }
        let ran = max(0.005, Self.period * share)
        var owed = 0.0
        while true {
            let start = ContinuousClock.now
            try await Task.sleep(for: .seconds(ran))
            let stop = ContinuousClock.now
            setStopped(true)
            // What it ran too long because we woke late, it stands still longer.
            owed += start.duration(to: stop).seconds * (1 - share) / share
            try await Task.sleep(for: .seconds(min(Self.longestStop, max(0, owed))))
            setStopped(false)
            owed = min(Self.longestStop, owed - stop.duration(to: .now).seconds)
        }
    }

    /// Lets the machine run.
    func release() { setStopped(false) }

    /// Lets the machine run for some seconds, so that another process can take over.
    func rest() {
        state.withLock { $0.restsUntil = .now + .seconds(5) }
        release()
    }

    private func setStopped(_ isStopped: Bool) {
        // The node may have another machine by now, or none.
        guard let process = try? node.machine().guest.process else { return }
        state.withLock { state in
            if isStopped, let until = state.restsUntil, until > .now { return }
            guard ProcessRecord.startTime(pid: process.pid) == process.startTime else { return }
            kill(process.pid, isStopped ? SIGSTOP : SIGCONT)
        }
    }
}
