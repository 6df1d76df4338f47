import ArgumentParser
import LabEvents
import NetworkProfiles
import VMLab

/// `vmlab net cut`: pulls cables.
struct NetCutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cut", abstract: "Pull cables: the guests lose the carrier, until `plug` or `heal`.")

    @OptionGroup var net: NetOptions

    @Argument(help: "Network cards: NODE.CARD, or NODE.BOND for all its legs.")
    var cards: [String]

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.cut(cards: cards), json: json) }
}

/// `vmlab net plug`: plugs cables in again.
struct NetPlugCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "plug", abstract: "Plug in again what `cut` with the same cards pulled.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The network cards, as they were given to `cut`.")
    var cards: [String]

    func run() async throws {
        let open = try await net.faults("list")
        let cuts = open.filter { $0.fault == .cut(cards: cards) }
        guard !cuts.isEmpty else {
            let list = open.map { "\($0.id) (\($0.fault))" }.joined(separator: ", ")
            throw Problem(
                .invalidInput, "\(cards.joined(separator: " ")) is not cut", why: list.isEmpty ? "no fault is open" : "open are \(list)",
                remedy: "name the same cards as with `cut`, or use `vmlab heal`")
        }
        for cut in cuts { _ = try await net.faults("heal", number: cut.id) }
        Terminal.print("\(cards.joined(separator: " ")): plugged in")
    }
}

/// `vmlab net fault`: the faults that have no verb of their own.
struct NetFaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault", abstract: "Break something else: a switch, a VLAN, an address, a DHCP server.",
        subcommands: [
            NetFlapCommand.self, NetCrashCommand.self, NetFreezeCommand.self, NetVLANCommand.self, NetDuplicateCommand.self,
            NetNoDHCPCommand.self, NetRogueDHCPCommand.self,
        ])
}

/// `vmlab net fault flap`.
struct NetFlapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flap", abstract: "Take a card its carrier and give it back, again and again.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The network card: NODE.CARD.")
    var card: String

    @Option(help: "Seconds without carrier.")
    var down = 1.0

    @Option(help: "Seconds with carrier.")
    var up = 1.0

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.flap(card: card, down: down, up: up), json: json) }
}

/// `vmlab net fault crash`.
struct NetCrashCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "crash", abstract: "Kill a switch; `heal` starts it again.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The segment.")
    var segment: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.switchCrash(segment: segment), json: json) }
}

/// `vmlab net fault freeze`.
struct NetFreezeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze", abstract: "Let a switch stand still: nothing passes, and no carrier is lost.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The segment.")
    var segment: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.switchFreeze(segment: segment), json: json) }
}

/// `vmlab net fault vlan`.
struct NetVLANCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vlan", abstract: "Program the switch port of a card otherwise than planned.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The network card: NODE.CARD.")
    var card: String

    @Option(help: "The VLAN of frames without a tag; 0 for the plain network. Without it they are dropped.")
    var untagged: Int?

    @Option(parsing: .upToNextOption, help: "VLANs whose frames carry their tag.")
    var tagged: [Int] = []

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await net.inject(.wrongVLAN(card: card, carries: PortVLANs(untagged: untagged, tagged: tagged.sorted())), json: json)
    }
}

/// `vmlab net fault duplicate-address`.
struct NetDuplicateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "duplicate-address", abstract: "Give a node the address of another one too.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The node that gets it.")
    var node: String

    @Argument(help: "The address, such as 192.168.1.1.")
    var address: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.duplicateAddress(address: address, at: node), json: json) }
}

/// `vmlab net fault no-dhcp`.
struct NetNoDHCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "no-dhcp", abstract: "End the DHCP server of a service node.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The service node.")
    var node: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.dhcpServerGone(node: node), json: json) }
}

/// `vmlab net fault rogue-dhcp`.
struct NetRogueDHCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rogue-dhcp", abstract: "Let a second DHCP server answer in an IP network, with addresses that nobody planned.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The IP network, by its name in the profile.")
    var network: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.rogueDHCPServer(network: network), json: json) }
}
