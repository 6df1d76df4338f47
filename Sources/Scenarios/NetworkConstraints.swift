import GuestShell
import LabEvents
import NetworkProfiles
import Phases
import VDE
public import VMLab

extension Scenario {
    /// What a bad network does to two nodes, as they measure it.
    public static let networkConstraints = Scenario(
        "network-constraints",
        intent:
            "What one of two nodes sends is delayed (50 ± 10 ms), lost (5 %), slowed down (10 Mbit/s), and all of it (20 Mbit/s, 30 ± 5 ms, 1 %): "
            + "each is measured in pings and Mbit/s against a baseline of the same run, and each is gone afterwards.",
        network: .any(otherwise: "a", "b"), nodes: 2, cables: true, tags: ["network", "faults"],
        budgets: [Budget("scenario", .seconds(900))]
    ) {
        Phase.boot
        Phase.network
        for constraint in NetworkConstraint.usual {
            Phase(constraint.name) { lab in
                let pair = try ConstrainedPair(lab)
                let baseline = try await pair.measure()
                let found = try await lab.withFault(pair.fault(constraint)) { try await pair.measure() }
                try pair.check(found, constraint, baseline, "under \(constraint.impairments)")
                let after = try await pair.recover(to: baseline, from: constraint)
                return "\(constraint.impairments): \(found.text); before: \(baseline.text); after: \(after.text)"
            }
        }
        Phase.reachability
    }
}

/// Two nodes, of which one measures what the other sends.
private struct ConstrainedPair: Sendable {
    let lab: Lab
    let sender: Node
    let peer: Node
    let senderAddress: String
    let peerAddress: String
    /// The peer's interface with its address.
    let interface: String

    init(_ lab: Lab) throws {
        self.lab = lab
        (peer, sender) = (lab.clusterNodes[0], lab.clusterNodes[1])
        senderAddress = try lab.address(of: sender, for: peer)
        peerAddress = try lab.address(of: peer, for: sender)
        let own = peerAddress
        guard let link = peer.network?.links.first(where: { $0.addresses.contains { $0.address == own } }) else {
            throw Problem(.failure, "\(peer.name) has no interface with \(own)")
        }
        interface = link.name
    }

    /// The constraint on all that the sender's cards send: only one way, so that a round trip meets it once.
    func fault(_ constraint: NetworkConstraint) -> Fault {
        .impair(
            cables: (sender.network?.cards ?? []).map { "\(sender.name).\($0.link.name)" }, direction: .forward,
            with: constraint.impairments)
    }

    func check(
        _ found: NetworkConstraint.Measurement, _ constraint: NetworkConstraint, _ baseline: NetworkConstraint.Measurement, _ when: String
    ) throws {
        let differences = constraint.differences(of: found, from: baseline, pace: lab.pace)
        guard !differences.isEmpty else { return }
        throw Problem(
            .failure, "the network is not what it should be \(when): \(differences.joined(separator: "; "))",
            why: "measured: \(found.text); baseline: \(baseline.text)")
    }

    /// Measures until all is as it was before. A busy host may slow down two guests at one moment, and hardly at each of three.
    ///
    /// - Throws: a ``Problem`` when it is not by then.
    func recover(to baseline: NetworkConstraint.Measurement, from constraint: NetworkConstraint) async throws
        -> NetworkConstraint.Measurement
    {
        for _ in 1..<3 {
            let found = try await measure()
            if NetworkConstraint.none.differences(of: found, from: baseline, pace: lab.pace).isEmpty { return found }
        }
        let last = try await measure()
        try check(last, .none, baseline, "after \(constraint.impairments)")
        return last
    }

    func measure() async throws -> NetworkConstraint.Measurement {
        // Not at once: the flood fills the queue that the pings would wait in.
        let pings = try await peer.ping(senderAddress, count: 1000, every: .milliseconds(10))
        return .init(pings: pings, megabits: try await flood())
    }

    /// Lets the sender send datagrams of 41 frames as fast as it can, and looks for 4 s at what comes to the peer. A write makes all frames of a datagram, so that
    /// a guest without KVM too sends more than 100 Mbit/s.
    ///
    /// - Returns: what came, in Mbit/s by the peer's clock, all headers but VLAN tags counted.
    private func flood() async throws -> Double {
        // Nobody has the address, and the peer passes nothing on: it neither answers nor puts the datagrams together.
        let process = try await sender.succeed(
            """
            ip route add 10.9.9.0/24 via \(peerAddress) || exit
            exec 3>/dev/udp/10.9.9.9/9 || exit
            dd if=/dev/zero bs=60000 count=1000000 >&3 2>/dev/null & echo $!
            """
        ).stdout.trimmed
        let output: String
        do {
            output = try await peer.succeed(
                """
                cd /sys/class/net/\(interface)/statistics
                read a <rx_bytes; b=$a
                while [ $((b - a)) -lt 500000 ]; do sleep 0.05; read b <rx_bytes; done
                sample() { while read s _ </proc/uptime; read n <rx_bytes; read t _ </proc/uptime; [ $s != $t ]; do :; done; }
                sample; b=$s a=$n; sleep 4; sample; echo $b $s $((n - a))
                """
            ).stdout.trimmed
        } catch {
            _ = try? await end(process)
            throw error
        }
        try await end(process)
        let numbers = output.split(separator: " ").compactMap { Double($0) }
        guard numbers.count == 3 else { throw Problem(.failure, "\(peer.name) could not count what comes", why: output) }
        return numbers[2] * 8 / 1_000_000 / max(0.01, numbers[1] - numbers[0])
    }

    /// Ends the flood, and waits until what waits for the constraint has drained.
    private func end(_ process: String) async throws {
        try await sender.succeed("kill \(process) 2>/dev/null; ip route del 10.9.9.0/24")
        try await peer.waitUntilSucceeds("ping -c 3 -W 1 \(senderAddress) >/dev/null", .answer)
    }
}
