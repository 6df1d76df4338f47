import GuestShell
import LabEvents
import NetworkProfiles
import QEMU
import Synchronization

extension Lab {
    func powerCut(_ node: Node, _ isRenewed: Bool) -> FaultWork {
        // Under the owner before it was asked for, and cannot be asked now.
        let hadNetwork = Mutex(isRenewed && node.network != nil)
        return FaultWork(
            inject: {
                if node.state == .ready, let network = node.network {
                    let isPlanned = (try? await network.differences(from: node.observeNetwork()).isEmpty) ?? false
                    hadNetwork.withLock { $0 = isPlanned }
                }
                try await node.powerCut()
            },
            observe: {
                guard node.state == .off else {
                    throw Problem(.failure, "\(node.name) still has power", why: "it is \(node.state.rawValue)")
                }
                return "\(node.name): QEMU is gone"
            },
            heal: {
                // It may have been started meanwhile, or have died.
                if [.off, .lost].contains(node.state) { try await self.startAgain(node) }
            },
            confirm: {
                guard node.canObey else { throw Problem(.failure, node.observation, why: "its power is back") }
                try await node.waitForShell()
                let words = "\(node.name) obeys in boot \(node.boot)"
                return hadNetwork.withLock { $0 } ? "\(words), \(try await self.restoreNetwork(node))" : words
            })
    }

    func freeze(_ node: Node) -> FaultWork {
        let lag = Mutex(0.0)
        return FaultWork(
            inject: { if node.state != .paused { try await node.pause() } },
            observe: {
                let status = try await node.machine().guest.monitor.execute(QMP.QueryStatus())
                guard !status.running else { throw Problem(.failure, "\(node.name) does not stand still") }
                return "\(node.name): its processors stand still"
            },
            heal: {
                guard node.state == .paused else { return }
                try await node.resume()
                guard node.state == .ready else { return }
                // The time that it stood still is missing in its clock.
                let behind = -(try await node.clockOffset())
                lag.withLock { $0 = behind }
                if behind > 1 { try await node.setClock() }
            },
            confirm: {
                guard node.canObey else { return "\(node.name) is \(node.state.rawValue): nothing to thaw" }
                try await node.waitForShell()
                try await node.run("true")
                let behind = lag.withLock { $0 }
                return "\(node.name) answers" + (behind > 1 ? "; its clock was \(behind.rounded(to: 1)) s behind and is right again" : "")
            })
    }

    /// Makes a node's network as planned after a boot, and what it serves.
    ///
    /// - Returns: what came of it.
    /// - Throws: a ``Problem`` when it is not as planned, and no fault of the network is open that may be why.
    func restoreNetwork(_ node: Node) async throws -> String {
        do {
            try await node.configureNetwork()
            try await node.serveDHCP()
            return "its network as planned"
        } catch {
            let broken = openFaults.first { if case .node = $0.fault { false } else { true } }
            guard let broken, !(error is CancellationError) else { throw error }
            return "its network not as planned while fault \(broken.id) is open (\(broken.fault))"
        }
    }
}
