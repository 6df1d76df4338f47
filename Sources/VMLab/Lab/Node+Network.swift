import FoundationEssentials
import GuestShell
import LabEvents
public import NetworkProfiles

extension Budget {
    /// From asking a guest for its network until all of it is as planned.
    public static let network = Budget("network", .seconds(30))
    /// Until nodes that should reach each other do.
    public static let reachability = Budget("reachability", .seconds(20))
}

/// How a guest's network is made.
public enum NetworkWay: String, Sendable, Codable, CaseIterable {
    /// As it is, when it is as planned already; else by systemd-networkd where that runs, and by commands elsewhere.
    case automatic
    /// By files for systemd-networkd.
    case networkd
    /// By `ip` commands.
    case commands
    /// By the image itself; it is only checked.
    case image
}

extension Node {
    /// The node's part of the network; nil for a node that has `eth0` alone.
    public var network: NodeNetwork? { context.plan.network?.node(name) }

    /// Makes the planned network in the guest, and waits until the guest says that it is as planned: names, addresses, VLANs, bonds, carrier, routes,
    /// and that both ends of its 802.3ad bonds take and send frames.
    ///
    /// - Returns: how it was made.
    /// - Throws: a ``Problem`` that lists what is otherwise than planned when the budget is used up.
    @discardableResult
    public func configureNetwork(_ way: NetworkWay = .automatic, _ budget: Budget = .network) async throws -> NetworkWay {
        guard let network else { return .image }
        let chosen = try await choose(way, network)
        switch chosen {
        case .networkd: try await run(Self.pushing(network, naming(network)))
        case .commands: try await run(naming(network) + network.clearingCommands() + network.ipCommands())
        case .image, .automatic: break
        }
        try await waitForNetwork(budget)
        return chosen
    }

    private func choose(_ way: NetworkWay, _ network: NodeNetwork) async throws -> NetworkWay {
        guard way == .automatic else { return way }
        if try await network.differences(from: observeNetwork()).isEmpty { return .image }
        let isManaged = try await execute("systemctl is-active --quiet systemd-networkd").succeeded
        return isManaged ? .networkd : .commands
    }

    private func naming(_ network: NodeNetwork) -> String {
        network.namingCommands(others: plan.interfaces.filter { $0.port == nil }.map { ($0.mac, $0.name) })
    }

    /// Puts the files before all others of the guest. networkd makes no bond or VLAN interface anew that it has, so these are removed first.
    private static func pushing(_ network: NodeNetwork, _ naming: String) -> String {
        // /etc is not writable everywhere, and what is in /run is gone with the next boot.
        let files = network.networkdFiles().map { file in
            "cat >\"$vd/00-vmlab-\(file.name)\" <<'VMLAB-END'\n\(file.content)VMLAB-END\n"
        }
        return naming + """
            vd=/etc/systemd/network
            mkdir -p $vd 2>/dev/null && [ -w $vd ] || { vd=/run/systemd/network; mkdir -p $vd || exit 1; }
            rm -f $vd/00-vmlab-*

            """ + files.joined() + network.clearingCommands() + "systemctl restart systemd-networkd\n"
    }

    /// What the guest says about its network now.
    ///
    /// - Throws: a ``Problem`` when it cannot be asked.
    public func observeNetwork() async throws -> ObservedNetwork {
        ObservedNetwork(try await run(ObservedNetwork.script).stdout.text)
    }

    /// Waits until the guest's network is as planned, and its 802.3ad bonds have come to terms with their link aggregations.
    ///
    /// - Throws: a ``Problem`` that lists what is otherwise when the budget is used up; of LACP the bond, its legs and the port states of both ends.
    public func waitForNetwork(_ budget: Budget = .network) async throws {
        guard let network else { return }
        let last = LastSeen()
        try await poll(budget, waitingFor: "\(name): the network is as planned", observed: { last.text }) {
            let observed = try await self.observeNetwork()
            let differences = network.differences(from: observed) + network.lacpDifferences(from: observed)
            last.text = differences.joined(separator: "; ")
            return differences.isEmpty
        }
    }

    /// Asks again and again until something is so: after ten times as long as asking took, at least 20 ms and at most 1 s, so that the guest is not kept
    /// busy by it.
    func poll(
        _ budget: Budget, waitingFor what: String, observed: @escaping @Sendable () -> String?,
        _ isSo: @escaping @Sendable () async throws -> Bool
    ) async throws {
        let context = context
        try await context.budget(budget).run(pace: { context.pace }, waitingFor: what, observed: observed) {
            while true {
                let begin = ContinuousClock.now
                if try await isSo() { return }
                try await Task.sleep(for: min(.seconds(1), max(.milliseconds(20), begin.duration(to: .now) * 10)))
            }
        }
    }

    /// Waits in the guest until something listens on a TCP port.
    ///
    /// - Throws: a ``Problem`` when the budget is used up.
    public func waitUntilListening(port: Int, _ budget: Budget = .command) async throws {
        // A socket may listen for both families in the table of the second. State 0A is LISTEN (proc(5), /proc/net/tcp).
        try await waitForSocket("tcp", port: port, state: "0A", "nobody listens on TCP port \(port)", budget)
    }

    /// Waits in the guest for a line of its socket tables. Asked with builtins only: a process costs 40 ms without KVM.
    func waitForSocket(_ family: String, port: Int, state: String, _ complaint: String, _ budget: Budget) async throws {
        let hexadecimal = String(port, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
        let check = """
            while :; do for table in /proc/net/\(family) /proc/net/\(family)6; do
            [ -r "$table" ] || continue
            while read -r _ address _ state _; do
            case $address/$state in *:\(padded)/\(state)) exit 0 ;; esac
            done <"$table"
            done
            sleep 0.1
            done
            """
        let limit = budget.scaled(by: context.pace)
        let result = try await execute(check, timeout: limit)
        guard result.succeeded else {
            throw Problem(.failure, "\(name): \(complaint)", why: "waited \(limit.seconds.rounded(to: 1)) s; \(result.outcome)")
        }
    }
}
