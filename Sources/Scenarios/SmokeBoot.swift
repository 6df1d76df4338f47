import GuestShell
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// The least that an image must do: one machine boots and obeys.
    public static let smokeBoot = Scenario(
        "smoke-boot",
        intent: "One machine with --image boots and obeys: commands, their status, both output streams, a file written and read back.",
        network: .any(otherwise: "vm"), nodes: 1, tags: ["smoke"], budgets: [Budget("scenario", .seconds(300))]
    ) {
        Phase.boot
        Phase("obeys") { lab in
            let node = lab.clusterNodes[0]
            let system = try await node.succeed("uname -sr").stdout.trimmed
            let result = try await node.execute("echo $((6 * 7)); echo why >&2; exit 3")
            guard result.stdout.trimmed == "42", result.stderr.trimmed == "why", result.outcome == .exited(3) else {
                throw Problem(
                    .failure, "\(node.name) does not obey", location: node.name,
                    why: "'42' on stdout, 'why' on stderr and status 3 were asked for: \(result)")
            }
            let text = "seed \(lab.plan.seed)"
            try await node.succeed("echo '\(text)' >/tmp/smoke")
            let read = try await node.succeed("cat /tmp/smoke; rm /tmp/smoke").stdout.trimmed
            guard read == text else { throw Problem(.failure, "\(node.name): a file has '\(read)'", why: "'\(text)' was written") }
            return system
        }
    }
}
