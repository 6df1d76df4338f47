import LabEvents
import Synchronization

extension Lab {
    func jump(_ node: Node, _ seconds: Int) throws(Problem) -> FaultWork {
        guard (10...315_360_000).contains(abs(seconds)) else {
            throw Problem(.invalidInput, "a clock jump of \(seconds) s is none", why: "10 s to ten years fit, both ways")
        }
        return work(
            node,
            GuestFault(
                trace: .memory,
                inject: {
                    node.mutable.withLock { $0.clockShift = seconds }
                    try await node.setClock()
                },
                observe: { try await Self.checkClock(node, seconds) },
                mend: {
                    node.mutable.withLock { $0.clockShift = 0 }
                    try await node.setClock()
                    return try await Self.checkClock(node, 0)
                }))
    }

    private static func checkClock(_ node: Node, _ shift: Int) async throws -> String {
        let offset = try await node.clockOffset()
        guard abs(offset - Double(shift)) < 3 else {
            throw Problem(
                .failure, "\(node.name)'s clock differs by \(offset.rounded(to: 1)) s from the host's",
                why: "it was set to differ by \(shift) s",
                remedy: "does something in the guest set it, such as systemd-timesyncd or chrony?")
        }
        return "\(node.name): its clock is \(abs(offset).rounded(to: 1)) s \(offset < 0 ? "behind" : "ahead")"
    }
}
