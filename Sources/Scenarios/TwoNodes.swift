import GuestShell
import LabEvents
import NetworkProfiles
import Phases
public import VMLab

extension Scenario {
    /// Two nodes on one switch, or on the network of a profile: that they boot and reach each other, by ARP, ICMP and TCP, and that bytes arrive as
    /// they were sent.
    public static let twoNodes = Scenario(
        "two-nodes",
        intent: "Two nodes on one switch or on --profile: boot, addresses, ARP, ICMP and TCP both ways, 20 MB compared byte for byte.",
        network: .any(otherwise: "a", "b"), nodes: 2, tags: ["smoke", "network"]
    ) {
        Phase.boot
        Phase.network
        Phase.reachability
        Phase.addressesStay
        Phase("TCP") { lab in
            let (a, b) = (lab.clusterNodes[0], lab.clusterNodes[1])
            for (from, to) in [(a, b), (b, a)] {
                let address = try lab.address(of: to, for: from)
                try await lab.step("TCP \(from.name) → \(to.name)") {
                    let greeting = "hello from \(from.name) \(lab.plan.seed)"
                    let heard = try await to.listen(port: 7001, into: "cat") {
                        try await from.run("exec 3<>/dev/tcp/\(address)/7001 && echo '\(greeting)' >&3")
                    }
                    guard heard == greeting else { throw Problem(.failure, "\(to.name) heard '\(heard)'", why: "'\(greeting)' was sent") }
                }
            }
        }
        Phase("20 MB") { lab in
            let (a, b) = (lab.clusterNodes[0], lab.clusterNodes[1])
            let address = try lab.address(of: b, for: a)
            let sent = try await a.run("head -c 20000000 /dev/urandom >/tmp/payload && sha256sum </tmp/payload").stdout.trimmed
            let begin = ContinuousClock.now
            let received = try await b.listen(port: 7002, into: "sha256sum") {
                try await a.run("exec 3<>/dev/tcp/\(address)/7002 && cat /tmp/payload >&3")
            }
            let seconds = begin.duration(to: .now).seconds
            guard sent == received else { throw Problem(.failure, "the 20 MB differ", why: "sent \(sent), received \(received)") }
            for node in [a, b] { try await node.run("rm -f /tmp/payload") }
            return "\(a.name) → \(b.name) \((20 / seconds).rounded(to: 1)) MB/s, SHA-256 \(sent.prefix(12))…"
        }
    }
}
