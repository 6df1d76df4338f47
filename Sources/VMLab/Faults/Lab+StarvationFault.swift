import GuestShell
import LabEvents
import QEMU
import Synchronization

extension Lab {
    func starve(_ node: Node, _ share: Double, _ isRenewed: Bool) throws(Problem) -> FaultWork {
        guard (0.01...0.9).contains(share) else {
            throw Problem(.invalidInput, "\(share) is no share of processors to starve with", why: "0.01 to 0.9 are")
        }
        let starvation = CPUStarvation(node, share: share)
        let before = Mutex<Double?>(nil)
        return FaultWork(
            inject: {
                node.mutable.withLock { $0.starvation = starvation }
                guard !isRenewed, node.state == .ready else { return }
                let seconds = min(try await node.loopSeconds(), try await node.loopSeconds())
                before.withLock { $0 = seconds }
            },
            course: { try await starvation.run() },
            observe: {
                guard node.canObey else { return "\(node.name) is \(node.state.rawValue)" }
                let last = LastSeen()
                guard let before = before.withLock({ $0 }) else {
                    try await self.waitForProcess(try node.machine().guest.process.pid, "\(node.name): QEMU is stopped at times") {
                        $0 == "T"
                    }
                    return "\(node.name): QEMU is stopped at times"
                }
                // Half of what is missing must be felt; the host may have been busy before, too.
                let least = 1 + (1 / share - 1) / 2
                try await node.poll(.command, waitingFor: "\(node.name) is slower", observed: { last.text }) {
                    let seconds = try await node.loopSeconds()
                    last.text = "a loop took \(before.rounded(to: 2)) s before, and takes \(seconds.rounded(to: 2)) s"
                    return seconds > before * least
                }
                return "\(node.name): " + (last.text ?? "")
            },
            heal: {
                node.mutable.withLock { $0.starvation = nil }
                starvation.release()
            },
            confirm: {
                guard node.canObey else { return "\(node.name) is \(node.state.rawValue)" }
                try await self.waitForProcess(try node.machine().guest.process.pid, "\(node.name): QEMU runs") { $0 != "T" }
                guard node.state == .ready else { return "\(node.name): QEMU runs" }
                return "\(node.name): QEMU runs; a loop takes \(try await node.loopSeconds().rounded(to: 2)) s"
            })
    }
}

extension Node {
    /// How long the guest takes for work that needs nothing but its processor.
    fileprivate func loopSeconds() async throws -> Double {
        try await run("vi=0; while [ $vi -lt 4000 ]; do vi=$((vi + 1)); done", timeout: Budget.boot.scaled(by: pace)).duration.seconds
    }
}
