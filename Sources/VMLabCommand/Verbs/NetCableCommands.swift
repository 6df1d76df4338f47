import ArgumentParser
import LabEvents
import VDE
import VMLab

/// `vmlab net partition`: groups that do not hear each other.
struct NetPartitionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partition", abstract: "Keep groups of nodes from hearing each other; nobody loses a carrier. Needs cables.",
        discussion: "Nodes that no group names hear everybody. For example: vmlab net partition latest server-1 server-2,agent-1")

    @OptionGroup var net: NetOptions

    @Argument(help: "Groups: names of nodes with commas between them.")
    var groups: [String]

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await net.inject(.partition(groups: groups.map { $0.split(separator: ",").map(String.init) }), json: json)
    }
}

/// `vmlab net isolate`: nodes that nobody hears.
struct NetIsolateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isolate", abstract: "Drop every frame from and to nodes; they lose no carrier. Needs cables.")

    @OptionGroup var net: NetOptions

    @Argument(help: "The nodes.")
    var nodes: [String]

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try await net.inject(.isolate(nodes: nodes), json: json) }
}

/// `vmlab net impair`: what is done to frames.
struct NetImpairCommand: AsyncParsableCommand {
    /// The way of the frames, as the guest sees it.
    enum Way: String, ExpressibleByArgument, CaseIterable {
        case out, `in`, both

        var direction: LinkDirection? {
            switch self {
            case .out: .forward
            case .in: .backward
            case .both: nil
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "impair", abstract: "Delay, lose, copy, spoil or slow down the frames of cables, until `heal`.",
        discussion: "Each direction is impaired by itself: a delay of 50 ms both ways makes a ping 100 ms slower.")

    @OptionGroup var net: NetOptions

    @Argument(help: "Network cards (NODE.CARD, or NODE.BOND for all its legs) or trunks.")
    var cables: [String]

    @Option(help: "Delay in ms.")
    var delay = 0.0

    @Option(help: "By how much the delay varies, in ms, up and down.")
    var jitter = 0.0

    @Option(help: "Percent of the frames that are lost, each for itself.")
    var loss = 0.0

    @Option(help: "Percent of the frames that are lost in bursts.")
    var burstLoss = 0.0

    @Option(help: "The mean length of a burst, in frames.")
    var burstLength = 5.0

    @Option(help: "Percent of the frames that come twice.")
    var duplicate = 0.0

    @Option(help: "Percent of the frames with a bit turned.")
    var corrupt = 0.0

    @Option(help: "Percent of the frames that are overtaken by others.")
    var reorder = 0.0

    @Option(help: "By how many frames they are overtaken.")
    var reorderBy = 3

    @Option(help: "Mbit/s.")
    var rate: Double?

    @Option(help: "How many frames may wait for the rate.")
    var queue = 1000

    @Option(help: "Which way: out (what the node sends, or the first end of a trunk), in, or both.")
    var way = Way.both

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        for (name, number) in [("delay", delay), ("jitter", jitter), ("rate", rate ?? 1)] where !(0...1e9).contains(number) {
            throw Problem(.invalidInput, "--\(name) \(number) is not acceptable", why: "it is negative, or too much")
        }
        let impairments = Impairments(
            delay: .seconds(delay / 1000), jitter: .seconds(jitter / 1000), loss: loss / 100,
            burstLoss: burstLoss == 0 ? nil : .init(burstLoss / 100, meanLength: burstLength), duplication: duplicate / 100,
            corruption: corrupt / 100, reordering: reorder == 0 ? nil : .init(reorder / 100, places: reorderBy),
            rate: rate.map { .init(bitsPerSecond: Int($0 * 1_000_000)) }, queue: .init(frames: queue))
        guard !impairments.isNone else {
            throw Problem(.invalidInput, "nothing is to be impaired", remedy: "say for example --loss 5; `vmlab heal` ends impairments")
        }
        try await net.inject(.impair(cables: cables, direction: way.direction, with: impairments), json: json)
    }
}
