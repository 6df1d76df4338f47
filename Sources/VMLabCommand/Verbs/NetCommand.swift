import ArgumentParser
import FoundationEssentials
import LabEvents
import NetworkProfiles
import VMLab

/// `vmlab net`: the network of a lab that lives.
struct NetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "net", abstract: "Look at the network of a living lab, and break it on purpose.",
        subcommands: [
            NetShowCommand.self, NetMatrixCommand.self, NetConfigureCommand.self, NetCutCommand.self, NetPlugCommand.self,
            NetPartitionCommand.self, NetIsolateCommand.self, NetImpairCommand.self, NetCountersCommand.self, NetFaultCommand.self,
            HealCommand.self, FaultsCommand.self, NetCaptureCommand.self,
        ])
}

/// What the verbs have in common.
struct NetOptions: ParsableArguments {
    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @OptionGroup var state: StateOptions

    func ask(_ action: String, node: String? = nil) async throws -> ControlReply {
        var request = ControlRequest(.network)
        (request.action, request.node) = (action, node)
        return try await ControlClient.with(try state.find(run)) { [request] client in try await client.call(request) }
    }
}

/// `vmlab net show`: the plan, and what each node and switch says.
struct NetShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the network as planned and as the guests and switches see it; exit code 1 when they differ.")

    @OptionGroup var net: NetOptions

    @Flag(help: "Print JSON: the plan, and what each node says.")
    var json = false

    private struct Report: Encodable {
        var network: NetworkPlan?
        var nodes: [ControlReply.NetworkObservation]
        var switchFaults: [String]
    }

    func run() async throws {
        let reply = try await net.ask("show")
        let (nodes, faults) = (reply.observations ?? [], reply.switchFaults ?? [])
        if json {
            Terminal.print(try Terminal.json(Report(network: reply.network, nodes: nodes, switchFaults: faults)))
        } else {
            Terminal.table(
                [["NODE", "INTERFACE", "ON", "CARRIES", "ADDRESSES", "STATE"]]
                    + (reply.network?.nodes ?? []).flatMap { node in
                        Self.rows(node, nodes.first { $0.node == node.name }?.observed)
                    })
            let lines = nodes.flatMap { node in node.differences.map { "\(node.node): \($0)" } } + faults
            Terminal.print(lines.isEmpty ? "all as planned" : "\nnot as planned:\n  " + lines.joined(separator: "\n  "))
        }
        if !faults.isEmpty || nodes.contains(where: { !$0.differences.isEmpty }) { throw ExitCode(1) }
    }

    private static func rows(_ node: NodeNetwork, _ observed: ObservedNetwork?) -> [[String]] {
        node.links.enumerated().map { index, link in
            let seen = observed?.links[link.name]
            return [
                index == 0 ? node.name : "", link.name, node.place(of: link), link.carries,
                (seen?.addresses ?? []).joined(separator: " "), seen.map(Self.state) ?? "-",
            ]
        }
    }

    private static func state(_ link: ObservedNetwork.Link) -> String {
        let carrier = link.carrier.map { $0 ? "up" : "no carrier" } ?? "down"
        if let state = link.lacp?.state, let partner = link.lacp?.partnerState { return "\(carrier), port states \(state) and \(partner)" }
        if let partner = link.bond["ad_partner_mac"], !partner.isEmpty { return "\(carrier), partner \(partner)" }
        guard let active = link.bond["active_slave"], !active.isEmpty else { return carrier }
        return "\(carrier), active \(active)"
    }
}

/// `vmlab net matrix`: who reaches whom.
struct NetMatrixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "matrix",
        abstract: "Try every pair of nodes on every network by ARP, ICMP and TCP; exit code 1 when it is not as the plan expects.")

    @OptionGroup var net: NetOptions

    @Flag(help: "Print JSON: every probe, what was expected and what came of it.")
    var json = false

    func run() async throws {
        guard let matrix = try await net.ask("matrix").matrix else { return }
        Terminal.print(json ? try Terminal.json(matrix) : matrix.table)
        if !matrix.isAsExpected { throw ExitCode(1) }
    }
}

/// `vmlab net configure`: makes the network of the guests anew.
struct NetConfigureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "configure",
        abstract: "Make the planned network in the guests anew, for example after a reboot of a node that forgets it.")

    @OptionGroup var net: NetOptions

    @Option(help: "Only this node.")
    var node: String?

    func run() async throws {
        _ = try await net.ask("configure", node: node)
        Terminal.print("as planned")
    }
}
