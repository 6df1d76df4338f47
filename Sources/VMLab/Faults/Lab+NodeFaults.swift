import BuildRegistry
import GuestShell
import LabEvents
import QEMU
import Synchronization

extension Lab {
    /// How a fault of a node is made.
    ///
    /// - Parameter isRenewed: it was made under the owner before already.
    /// - Throws: a ``Problem`` of kind `invalidInput` for what makes no sense on this node as it is now.
    func work(for fault: NodeFault, on node: Node, isRenewed: Bool) throws(Problem) -> FaultWork {
        if !isRenewed { try requirePlace(fault, node) }
        switch fault {
        case .powerCut: return powerCut(node, isRenewed)
        case .freeze: return freeze(node)
        case .cpuStarvation(let share): return try starve(node, share, isRenewed)
        case .memoryPressure(let left): return try fillMemory(node, left)
        case .diskFull(let folder, let left): return try fillDisk(node, folder, left)
        case .diskErrors(let errors): return try breakDisk(node, errors)
        case .slowDisk(let limit): return try slowDisk(node, limit)
        case .clockJump(let seconds): return try jump(node, seconds)
        case .processKill(let target, let every): return try killProcess(node, target, every)
        case .processFreeze(let target): return try freezeProcess(node, target)
        case .unitStartFailure(let unit): return try failUnit(node, unit)
        }
    }

    /// Refuses a fault where another is already, and one of a node that is not there to have it.
    private func requirePlace(_ fault: NodeFault, _ node: Node) throws(Problem) {
        for open in openFaults {
            guard case .node(node.name, let other) = open.fault, other.place == fault.place else { continue }
            throw Problem(
                .invalidInput, "\(node.name) has such a fault already: \(other)", why: "it is fault \(open.id)",
                remedy: "heal it first: vmlab heal RUN \(open.id)")
        }
        guard node.state != .ready else { return }
        let needsGuest =
            switch fault {
            case .powerCut: false
            default: true
            }
        guard needsGuest || node.state == .off else { return }
        throw Problem(
            .invalidInput, "\(node.name) is \(node.state.rawValue)",
            why: "'\(fault)' is made on a node that \(needsGuest ? "obeys" : "is on")",
            remedy: "`vmlab power RUN \(node.name) start` or `resume`")
    }
}

extension Node {
    /// Whether its guest can be asked, now or in a moment.
    var canObey: Bool { [.ready, .booting, .waiting].contains(state) }

    /// Whether its disk can be looked at from inside.
    var hasDisk: Bool { !((try? machine().guest.configuration.disks.isEmpty) ?? (context.images[name]?.disk == nil)) }
}

/// A fault inside a guest: how it is made and undone by commands.
struct GuestFault: Sendable {
    /// Where it leaves what it did.
    enum Trace: Sendable {
        /// In memory, which goes with every boot.
        case memory
        /// On the disk, which outlasts boots.
        case disk
    }

    var trace: Trace
    /// Makes it; right also when it is made already.
    var inject: @Sendable () async throws -> Void
    var course: (@Sendable () async throws -> Void)?
    var observe: @Sendable () async throws -> String
    /// Undoes it, whether it is there or not, waits until that is seen, and says what showed it.
    var mend: @Sendable () async throws -> String
}

extension Lab {
    /// The work of a fault inside a guest, wherever the guest is by the time it is healed.
    func work(_ node: Node, _ fault: GuestFault) -> FaultWork {
        let boot = node.boot
        let mended = Mutex("")
        return FaultWork(
            inject: {
                guard node.canObey else { return }
                try await node.waitForShell()
                try await fault.inject()
            },
            course: fault.course,
            observe: { node.canObey ? try await fault.observe() : "\(node.name) is \(node.state.rawValue)" },
            heal: {
                let proof = try await self.mend(node, fault, since: boot)
                mended.withLock { $0 = proof }
            },
            confirm: { mended.withLock { $0 } })
    }

    private func mend(_ node: Node, _ fault: GuestFault, since boot: Int) async throws -> String {
        let end = node.changes.snapshot.last?.detail.map { " (\($0))" } ?? ""
        switch node.state {
        case .ready, .booting, .waiting:
            try await node.waitForShell()
            let proof = try await fault.mend()
            return node.boot == boot ? proof : "\(proof); \(node.name) has booted anew meanwhile"
        case .paused:
            throw Problem(.failure, "\(node.name) stands still", remedy: "thaw it first: `vmlab power RUN \(node.name) resume`")
        case .off where fault.trace == .disk:
            try requirePower(node)
            try await startAgain(node)
            let proof = try await fault.mend()
            try await node.shutdown()
            return "\(proof); \(node.name) was started for that, and is off again"
        case .panicked where fault.trace == .disk, .lost where fault.trace == .disk:
            throw Problem(
                .failure, "\(node.name) is dead for good\(end)", why: "what was done to its disk is still there",
                remedy: "its disk goes with the lab: vmlab down RUN")
        case .off, .panicked, .lost:
            return "\(node.name) is \(node.state == .off ? "off" : "dead for good\(end)"): what was done in its memory is gone with it"
        }
    }

    /// A node whose power is cut on purpose stays off.
    private func requirePower(_ node: Node) throws(Problem) {
        guard let cut = openFaults.first(where: { $0.fault == .node(node.name, .powerCut) }) else { return }
        throw Problem(
            .failure, "\(node.name) is off", why: "its power is cut by fault \(cut.id)",
            remedy: "heal that first: vmlab heal RUN \(cut.id)")
    }

    /// Boots a node that is off, when it is its turn.
    func startAgain(_ node: Node) async throws {
        try await context.bootSlots.withPermit {
            try await node.start()
            try await node.waitForShell()
        }
    }
}
