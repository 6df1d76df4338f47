import GuestShell
import LabEvents

extension Lab {
    /// SIGSTOP and SIGCONT: the kernel goes on for the process, so that its ports take connections, and nothing that a monitor of ports looks at has changed.
    func freezeProcess(_ node: Node, _ target: String) throws(Problem) -> FaultWork {
        let victim = try Victim(target)
        return work(
            node,
            GuestFault(
                trace: .memory,
                inject: { try await node.run(victim.signal("STOP")) },
                observe: {
                    let states = try await node.states(of: victim, waitingFor: "\(target) stands still") { states in
                        states.isEmpty || states.allSatisfy { $0 == "T" }
                    }
                    guard !states.isEmpty else {
                        throw Problem(
                            .failure, "\(node.name): no process of \(target) runs",
                            remedy: "`vmlab execute RUN \(node.name) -- ps` shows what does")
                    }
                    return "\(node.name): \(target) stands still"
                },
                mend: {
                    try await node.run(victim.signal("CONT"))
                    let states = try await node.states(of: victim, waitingFor: "\(target) goes on") { !$0.contains("T") }
                    return "\(node.name): " + (states.isEmpty ? "no process of \(target) runs" : "\(target) goes on")
                }))
    }
}

extension Node {
    /// Waits until the processes have the states that are wanted.
    fileprivate func states(
        of victim: Victim, waitingFor what: String, _ isReached: @escaping @Sendable ([String]) -> Bool
    ) async throws -> [String] {
        let last = LastSeen()
        try await poll(.command, waitingFor: "\(name): \(what)", observed: { last.text }) {
            last.text = try await self.run(victim.states).stdout.trimmed
            return isReached(Self.words(last.text))
        }
        return Self.words(last.text)
    }

    private static func words(_ text: String?) -> [String] { (text ?? "").split(separator: "\n").map(String.init) }
}
