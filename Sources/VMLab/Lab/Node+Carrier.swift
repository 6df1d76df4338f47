import LabEvents
import QEMU
import Synchronization

extension Node {
    /// Why a network card has no carrier.
    enum CarrierLoss: Hashable, Sendable {
        /// Somebody pulled its cable; each fault by itself.
        case unplugged(key: String)
        /// Its switch is gone.
        case noSwitch
    }

    /// Takes a card its carrier for a reason, or ends that reason; the card has its carrier when no reason is left. A machine that is off finds it so when it
    /// starts.
    ///
    /// - Parameter index: the card's place among the node's, from 0.
    /// - Returns: whether its cable is plugged in.
    @discardableResult
    func setCarrier(_ index: Int, _ hasCarrier: Bool, _ loss: CarrierLoss) async throws -> Bool {
        let (losses, machine) = mutable.withLock { current in
            if hasCarrier { current.carrierLosses[index]?.remove(loss) } else { current.carrierLosses[index, default: []].insert(loss) }
            return (current.carrierLosses[index] ?? [], current.machine)
        }
        if let machine { try await machine.setLink(index, losses.isEmpty) }
        return losses.isSubset(of: [.noSwitch])
    }

    /// Tells a machine that has just started which cards have no carrier.
    func applyCarrierLosses(_ machine: Machine) async throws {
        for (index, losses) in mutable.withLock({ $0.carrierLosses }) where !losses.isEmpty { try await machine.setLink(index, false) }
    }
}

extension Machine {
    fileprivate func setLink(_ index: Int, _ isUp: Bool) async throws {
        try await guest.monitor.execute(QMP.SetLink(device: NetworkInterface.deviceIdentifier(index), isUp: isUp))
    }
}
