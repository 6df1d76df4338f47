import LabEvents
import QEMU
import Synchronization

extension Node {
    /// Makes requests of a disk fail, or no longer. A machine that is off finds it so when it starts.
    func setDiskErrors(_ index: Int, _ errors: DiskErrors?) async throws {
        let machine = mutable.withLock { current in
            current.diskErrors[index] = errors
            return current.machine
        }
        if let machine { try await machine.guest.setDiskErrors(index, errors) }
    }

    /// Limits a disk, or no longer. A machine that is off finds it so when it starts.
    func setDiskLimit(_ index: Int, _ limit: DiskLimit?) async throws {
        let machine = mutable.withLock { current in
            current.diskLimits[index] = limit
            return current.machine
        }
        if let machine { try await machine.guest.setDiskLimit(index, limit ?? DiskLimit()) }
    }

    /// Tells a machine that has just started what its disks are to do.
    func applyDiskFaults(_ machine: Machine) async throws {
        let (errors, limits) = mutable.withLock { ($0.diskErrors, $0.diskLimits) }
        for (index, errors) in errors { try await machine.guest.setDiskErrors(index, errors) }
        for (index, limit) in limits { try await machine.guest.setDiskLimit(index, limit) }
    }
}
