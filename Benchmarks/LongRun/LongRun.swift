import GuestShell
import Phases
import VMLab

extension Scenario {
    /// 50 phases with 20 commands each, and a wait that polls for a while.
    static let longRun = Scenario(
        "long-run",
        intent: "1000 commands in 50 phases, then a wait of 20 s at pace 1: what the owner needs for it is measured from outside.",
        nodes: 2
    ) {
        Phase.boot
        for number in 1...50 {
            Phase("commands \(number)") { lab in
                let node = lab.clusterNodes[number % lab.clusterNodes.count]
                for command in 1...20 { try await node.succeed("seq 1 200; echo phase \(number), command \(command) >&2") }
            }
        }
        Phase("wait") { lab in
            let node = lab.clusterNodes[0]
            let seconds = Int((20 * node.pace).rounded(.up))
            try await node.succeed("(sleep \(seconds); >/tmp/late) </dev/null >/dev/null 2>&1 &")
            let report = try await node.waitUntilSucceeds("[ -e /tmp/late ]", .seconds(60))
            return "\(report.tries) tries"
        }
        Phase("end") { lab in try await lab.clusterNodes[0].succeed("[ -e /tmp/late ]") }
    }
}
