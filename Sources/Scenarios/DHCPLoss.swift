import GuestShell
import LabEvents
import NetworkProfiles
import Phases
public import VMLab

extension Scenario {
    /// A network whose DHCP server goes away for a while.
    public static let dhcpLoss = Scenario(
        "dhcp-loss",
        intent:
            "The DHCP server goes away: the nodes keep their leases and reach each other, and who asks for a lease is told that there is none. It comes back: "
            + "the nodes' clients renew their leases, which are as reserved.",
        network: .profile("dhcp-simple"), nodes: .any(2...4, usual: 2), tags: ["network", "faults"],
        budgets: [Budget("scenario", .seconds(600))]
    ) {
        Phase.boot
        Phase.network
        Phase.reachability
        Phase("a renewal") { lab in try await lab.renewAddresses() }
        Phase("without the server") { lab in
            guard let server = lab.serviceNodes.first else { throw Skip.byDesign("no node serves DHCP") }
            let before = try await lab.leaseTimes()
            return try await lab.withFault(.dhcpServerGone(node: server.name)) {
                let refusals = try await lab.renewInVain()
                for node in lab.clusterNodes { try await node.waitForNetwork() }
                let reached = try await lab.checkReachability()
                let after = try await lab.leaseTimes()
                guard before == after else {
                    throw Problem(.failure, "a lease was renewed without its server", why: "\(before) and then \(after)")
                }
                return "\(refusals); \(reached)"
            }
        }
        Phase("renewal afterwards") { lab in
            let said = try await lab.renewAddresses()
            try await lab.checkLeases()
            for node in lab.clusterNodes { try await node.waitForNetwork() }
            return "\(said); \(try await lab.checkReachability())"
        }
    }
}

extension Lab {
    /// When the leases end, by the DHCP server's book: seconds since 1970 by node.
    fileprivate func leaseTimes() async throws -> [String: Int] {
        guard let server = serviceNodes.first, let service = server.network?.service else { throw Skip.byDesign("no node serves DHCP") }
        let text = try await server.run("[ ! -e \(ServicePlan.leaseFile) ] || cat \(ServicePlan.leaseFile)").stdout.text
        return LeaseTimes(text, of: service.reservations).ends
    }

    /// Lets the DHCP clients of all nodes renew their leases.
    ///
    /// - Throws: a ``Problem`` for a lease that is not renewed.
    fileprivate func renewAddresses() async throws -> String {
        var found: [String] = []
        for node in clusterNodes {
            guard let network = node.network else { continue }
            let before = try await leaseTimes()[node.name] ?? 0
            try await node.succeed(network.renewingCommands())
            let report = try await Condition("\(node.name): its lease is renewed", on: node) {
                let after = try await self.leaseTimes()[node.name] ?? 0
                return after > before ? .yes("\(node.name): lease until \(after - before) s later") : .no("it still ends at \(after)")
            }.wait(.lease)
            found.append(report.observation ?? "")
        }
        return found.joined(separator: ", ")
    }

    /// Lets all nodes ask for the leases that they have, of which nothing comes.
    ///
    /// - Returns: what they said.
    /// - Throws: a ``Problem`` when one is given a lease.
    fileprivate func renewInVain() async throws -> String {
        var found: [String] = []
        for node in clusterNodes {
            for link in node.network?.links ?? [] where link.dhcp {
                guard let address = link.addresses.first?.address else { continue }
                found.append(try await node.askForLease(address, on: link.name))
            }
        }
        return found.joined(separator: ", ")
    }
}

extension Node {
    /// Asks for a lease in vain.
    ///
    /// - Returns: what the client said.
    fileprivate func askForLease(_ address: String, on interface: String) async throws -> String {
        // A client of its own, which leaves the interface alone: busybox's gives its address up 8 s after it was told to renew in vain.
        let result = try await execute(
            "command -v udhcpc >/dev/null || exit 0; udhcpc -f -n -q -t 2 -T 2 -i \(interface) -r \(address) -s /bin/true 2>&1 && exit 9; exit 1"
        )
        let words = result.stdout.trimmed.split(separator: "\n").last.map(String.init) ?? ""
        switch result.outcome {
        case .exited(0): throw Skip.missing("\(name) has no udhcpc, which says that it got no lease")
        case .exited(1) where words.contains("no lease"): return "\(name) '\(words)'"
        default: throw Problem(.failure, "\(name): a lease was asked for without its server, and it did not fail", why: "\(result)")
        }
    }
}

extension Budget {
    /// Until a lease that was asked for is given.
    fileprivate static let lease = Budget("lease", .seconds(30))
}

/// When the leases of nodes end, in dnsmasq's lease file: end, hardware address, address, name, client identifier.
struct LeaseTimes: Sendable, Equatable {
    /// Seconds since 1970, by node.
    var ends: [String: Int] = [:]

    init(_ text: String, of reservations: [ServicePlan.Reservation]) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 4, let end = Int(words[0]) else { continue }
            let owner = reservations.first { "\($0.mac)" == words[1].lowercased() && $0.address.address == words[2] }
            if let owner { ends[owner.node] = end }
        }
    }
}
