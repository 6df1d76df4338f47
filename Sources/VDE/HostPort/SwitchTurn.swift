import Dispatch
import Synchronization

/// Lets one host port of this process at a time join or leave a switch.
///
/// vde_switch 2.3.2 forgets to keep its table of descriptors right (`add_fd` and `remove_fd` of vde_switch.c): when a client leaves between
/// another one's connection and its request, the switch takes one for the other, and ends the wrong one later. Programs of other processes
/// are not kept apart by this.
final class SwitchTurn: Sendable {
    /// One for each switch that was ever joined.
    private static let gates = Mutex<[String: DispatchSemaphore]>([:])
    /// Those that did not answer a leaving client in time.
    private static let still = Mutex<Set<String>>([])

    private let folder: String
    private let gate: DispatchSemaphore
    private let isHeld = Mutex(false)

    init(folder: String) {
        self.folder = folder
        gate = Self.gates.withLock { gates in
            if let gate = gates[folder] { return gate }
            let gate = DispatchSemaphore(value: 1)
            gates[folder] = gate
            return gate
        }
    }

    /// Blocks until it is this one's turn. One that takes too long, at a switch that stands still, is passed by.
    func take() {
        if gate.wait(timeout: .now() + .seconds(2)) == .success { isHeld.withLock { $0 = true } }
    }

    /// Ends the turn; does nothing when there is none.
    func give() {
        let wasHeld = isHeld.withLock { isHeld in
            defer { isHeld = false }
            return isHeld
        }
        if wasHeld { gate.signal() }
    }

    /// How many ms a leaving client waits for the switch to see it. One that stands still keeps the first client that long, and not each of
    /// many that leave one after the other.
    var patience: Int32 { Self.still.withLock { $0.contains(folder) } ? 20 : 1000 }

    /// Notes whether the switch has seen a client leave in time.
    func note(isStill: Bool) {
        Self.still.withLock { still in
            if isStill { still.insert(folder) } else { still.remove(folder) }
        }
    }
}
