import FoundationEssentials
import LabEvents
import QEMU
import VDE

/// How the own clock of a machine went, from what QEMU said of its processors.
final class MachineClock: Sendable {
    /// The processors began to run, or stood still.
    struct Turn: Sendable, Codable {
        var isRunning: Bool
        /// Since 1970, in nanoseconds.
        var time: Int64
    }

    private let before: [Turn]
    private let events: EventHistory<GuestEvent>?

    /// - Parameters:
    ///   - before: what the owner before heard.
    ///   - events: those of the machine as this process hears them; nil when it is gone.
    init(before: [Turn] = [], events: EventHistory<GuestEvent>? = nil) { (self.before, self.events) = (before, events) }

    /// Everything heard so far.
    var turns: [Turn] {
        before
            + (events?.snapshot ?? []).compactMap { event in
                let time = Int64(event.time.timeIntervalSince1970 * 1_000_000) * 1000
                return switch event.kind {
                case .resumed: Turn(isRunning: true, time: time)
                case .paused, .panicked(action: "pause"): Turn(isRunning: false, time: time)
                default: nil
                }
            }
    }

    /// When the clock began to run.
    var starts: [FrameClock.Start] {
        var starts: [FrameClock.Start] = []
        var (machine, since) = (Int64(0), Int64?.none)
        for turn in turns {
            if turn.isRunning, since == nil {
                since = turn.time
                starts.append(.init(machine: machine, host: turn.time))
            } else if !turn.isRunning, let began = since {
                machine += turn.time - began
                since = nil
            }
        }
        return starts
    }
}
