public import ArgumentParser
public import QEMU
import VMLab

/// `vmlab node`: the nodes of a lab that lives.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Break something about a node on purpose.", subcommands: [NodeFaultCommand.self])
}

/// `vmlab node fault`: faults of nodes, each a verb.
struct NodeFaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault", abstract: "Break something about a node; `vmlab faults` lists and `vmlab heal` ends it.",
        subcommands: [
            NodeFaultPowerCut.self, NodeFaultFreeze.self, NodeFaultStarve.self, NodeFaultMemory.self, NodeFaultDiskFull.self,
            NodeFaultDiskErrors.self,
            NodeFaultSlowDisk.self, NodeFaultClock.self, NodeFaultKill.self, NodeFaultStop.self, NodeFaultUnitFailure.self,
        ])
}

/// What the faults of nodes have in common.
struct NodeFaultOptions: ParsableArguments {
    @OptionGroup var net: NetOptions

    @Argument(help: "The node.")
    var node: String

    @Option(name: .customLong("for"), help: "Heal it after so many seconds, and return then.")
    var seconds: Double?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if let seconds, !(0...1e6).contains(seconds) { throw ValidationError("--for \(seconds): 0 to 1000000 seconds fit") }
    }

    func inject(_ fault: NodeFault) async throws { try await net.inject(.node(node, fault), for: seconds, json: json) }
}

extension DiskErrors: ExpressibleByArgument {}

/// `vmlab node fault power-cut`.
struct NodeFaultPowerCut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power-cut", abstract: "Pull the plug of a node; `heal` boots it again, with its network.")

    @OptionGroup var fault: NodeFaultOptions

    func run() async throws { try await fault.inject(.powerCut) }
}

/// `vmlab node fault freeze`.
struct NodeFaultFreeze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze", abstract: "Let a node stand still; its network cards keep their carrier.")

    @OptionGroup var fault: NodeFaultOptions

    func run() async throws { try await fault.inject(.freeze) }
}

/// `vmlab node fault starve`.
struct NodeFaultStarve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "starve", abstract: "Give a node a share of the processors' time only.")

    @OptionGroup var fault: NodeFaultOptions

    @Option(help: "The share, more than 0 and less than 1.")
    var share = 0.1

    func run() async throws { try await fault.inject(.cpuStarvation(share: share)) }
}

/// `vmlab node fault memory`.
struct NodeFaultMemory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "memory", abstract: "Use up the memory of a guest.")

    @OptionGroup var fault: NodeFaultOptions

    @Option(help: "MiB that stay available.")
    var leave = 32

    func run() async throws { try await fault.inject(.memoryPressure(leavingMiB: leave)) }
}

/// `vmlab node fault disk-full`.
struct NodeFaultDiskFull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "disk-full", abstract: "Fill a file system of a guest.")

    @OptionGroup var fault: NodeFaultOptions

    @Option(help: "A folder on it.")
    var folder = "/"

    @Option(help: "Bytes that stay free.")
    var leave = 0

    func run() async throws { try await fault.inject(.diskFull(folder: folder, leavingBytes: leave)) }
}

/// `vmlab node fault disk-errors`.
struct NodeFaultDiskErrors: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "disk-errors", abstract: "Let requests of a node's disk fail.")

    @OptionGroup var fault: NodeFaultOptions

    @Option(help: "Which: reads, writes or all.")
    var of = DiskErrors.all

    func run() async throws { try await fault.inject(.diskErrors(of)) }
}

/// `vmlab node fault slow-disk`.
struct NodeFaultSlowDisk: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "slow-disk", abstract: "Let a node's disk do no more than so much.")

    @OptionGroup var fault: NodeFaultOptions

    @Option(help: "Bytes a second; 0 is no limit.")
    var bytes = 0

    @Option(help: "Requests a second; 0 is no limit.")
    var requests = 0

    func run() async throws { try await fault.inject(.slowDisk(DiskLimit(bytesPerSecond: bytes, operationsPerSecond: requests))) }
}

/// `vmlab node fault clock`.
struct NodeFaultClock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clock", abstract: "Set a guest's clock ahead of the host's, or behind.")

    @OptionGroup var fault: NodeFaultOptions

    @Option(parsing: .unconditional, help: "Seconds ahead; with a minus behind.")
    var by: Int

    func run() async throws { try await fault.inject(.clockJump(seconds: by)) }
}

/// `vmlab node fault kill`.
struct NodeFaultKill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kill", abstract: "Kill a process in a guest, once or again and again.")

    @OptionGroup var fault: NodeFaultOptions

    @Argument(help: "The unit, such as etcd.service, or the process's name.")
    var process: String

    @Option(help: "Seconds from one kill to the next; once without it.")
    var every: Double?

    func run() async throws { try await fault.inject(.processKill(process, every: every)) }
}

/// `vmlab node fault stop`.
struct NodeFaultStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Let a process in a guest stand still (SIGSTOP): its ports stay open, and nobody answers.")

    @OptionGroup var fault: NodeFaultOptions

    @Argument(help: "The unit, such as etcd.service, or the process's name.")
    var process: String

    func run() async throws { try await fault.inject(.processFreeze(process)) }
}

/// `vmlab node fault unit-failure`.
struct NodeFaultUnitFailure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unit-failure", abstract: "Let a service of a guest fail when it is started.")

    @OptionGroup var fault: NodeFaultOptions

    @Argument(help: "The service, such as etcd.service.")
    var unit: String

    func run() async throws { try await fault.inject(.unitStartFailure(unit: unit)) }
}
