import GuestShell
import LabEvents
import NetworkProfiles
import Phases
import VMLab

/// A node with a bond, and one that reaches it over it.
struct BondedNode: Sendable {
    /// Who reaches it, and at which address.
    struct Peer: Sendable {
        var node: Node
        var address: String
    }

    let lab: Lab
    let node: Node
    let bond: NetworkProfile.Bond
    let peer: Peer

    var name: String { "\(node.name).\(bond.name)" }

    /// The legs and the switches that they are on.
    var legs: [(name: String, segment: String)] {
        (node.network?.cards ?? []).filter { $0.card.bond == bond.name }.map { ($0.link.name, $0.card.port.segment) }
    }

    /// The leg that an active-backup bond uses.
    func activeLeg() async throws -> String { try await node.run("cat /sys/class/net/\(bond.name)/bonding/active_slave").stdout.trimmed }

    /// The leg that is active when some are gone.
    private func expectedLeg(without gone: [String]) -> String? {
        let left = bond.legs.filter { !gone.contains($0) }
        return bond.primary.flatMap { left.contains($0) ? $0 : nil } ?? left.first
    }

    /// Makes a fault and heals it, while the peer goes on sending pings.
    ///
    /// - Parameter gone: the legs that the fault takes.
    /// - Returns: the gaps, in a few words.
    func survives(_ fault: Fault, without gone: [String]) async throws -> String {
        let failing = try await pinging {
            let open = try await lab.inject(fault)
            do { try await wait(without: gone) } catch {
                try? await lab.heal(open.id)
                throw error
            }
        }
        let healing = try await pinging {
            try await lab.heal()
            try await wait(without: [])
        }
        try check(failing, "\(fault)", bond.downDelay)
        try check(healing, "the end of \(fault)", bond.upDelay)
        return "\(fault): \(failing); healed: \(healing)"
    }

    /// Pings from the peer: the switches learn the way to this node by what the bond does alone.
    private func pinging(_ body: () async throws -> Void) async throws -> PingReport {
        try await peer.node.pinging(peer.address) { pings in
            try await body()
            try await pings.wait(forAnswers: 25)
        }
    }

    /// Waits until the bond uses the legs that are left.
    private func wait(without gone: [String]) async throws {
        if bond.mode == .lacp {
            try await waitForLACP(without: gone)
        } else if let leg = expectedLeg(without: gone) {
            try await node.waitUntilSucceeds("[ $(cat /sys/class/net/\(bond.name)/bonding/active_slave) = \(leg) ]", .bond)
        }
    }

    /// The bond may look once before and once after a leg has gone, waits for its delay, and the nodes may do so one after the other.
    private func check(_ report: PingReport, _ what: String, _ delay: Int) throws {
        let own = Duration.milliseconds(2 * bond.miimon + delay)
        // A guest without KVM that shares its processor comes late, by the time slices of the host.
        let limit = (own + .milliseconds(500)) * max(1, lab.pace)
        guard let gap = report.longestGap, gap.duration > limit else { return }
        throw Problem(
            .failure, "\(node.name) could not be reached for \(Int(gap.duration.seconds * 1000)) ms: \(what)",
            why:
                "\(report); \(Int(limit.seconds * 1000)) ms are allowed at pace \(lab.pace.rounded(to: 1)): twice miimon, the delay of the bond, and 500 ms"
        )
    }
}

extension Budget {
    /// Until a bond uses other legs.
    static let bond = Budget("bond", .seconds(20))
}
