import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

extension NetOptions {
    /// Asks the owner about faults.
    func faults(_ action: String, number: Int? = nil) async throws -> [OpenFault] {
        var request = ControlRequest(.fault)
        (request.action, request.number) = (action, number)
        let chosen = request
        return try await ControlClient.with(try state.find(run)) { client in try await client.call(chosen).faults ?? [] }
    }

    /// Injects a fault and says how it is healed.
    ///
    /// - Parameter seconds: after which the owner heals it; this returns then. It stays when nil.
    func inject(_ fault: Fault, for seconds: Double? = nil, json: Bool) async throws {
        var request = ControlRequest(.fault)
        (request.action, request.fault, request.timeout) = ("inject", fault, seconds)
        let chosen = request
        let run = run
        let reply = try await ControlClient.with(try state.find(run)) { client in
            try await client.call(chosen) { reply in
                guard let data = reply.data.flatMap({ Data(base64Encoded: $0) }) else { return }
                try Self.show(try JSONDecoder().decode(OpenFault.self, from: data), heal: seconds.map { "in \($0) s" }, json: json)
            }
        }
        for open in reply.faults ?? [] { try Self.show(open, heal: "vmlab heal \(run) \(open.id)", json: json) }
        if seconds != nil, !json { Terminal.print("healed") }
    }

    private static func show(_ open: OpenFault, heal: String?, json: Bool) throws {
        if json { return Terminal.print(try Terminal.json(open)) }
        Terminal.print("fault \(open.id): \(open.fault)\n\(open.proof)\nheal: \(heal ?? "")")
    }
}

/// `vmlab heal`, and `vmlab net heal`: ends faults.
struct HealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heal", abstract: "Heal a fault, or all; returns when it was seen that they are gone.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The number of the fault; all without it.")
    var number: Int?

    func run() async throws {
        let left = try await net.faults("heal", number: number)
        Terminal.print(left.isEmpty ? "no fault is open" : "still open: " + left.map { "\($0.id) (\($0.fault))" }.joined(separator: ", "))
    }
}

/// `vmlab faults`, and `vmlab net faults`: what is broken.
struct FaultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "faults", abstract: "List what is broken on purpose.")

    @OptionGroup var net: NetOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let open = try await net.faults("list")
        if json { return Terminal.print(try Terminal.json(open)) }
        guard !open.isEmpty else { return Terminal.print("no fault is open") }
        Terminal.table([["FAULT", "WHAT", "SEEN"]] + open.map { ["\($0.id)", "\($0.fault)", $0.proof] })
    }
}
