import ArgumentParser
import LabEvents
import VMLab

/// `vmlab power`: a node's power switch.
struct PowerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "power", abstract: "Start, end, restart or pause a node of a living lab.")

    enum Action: String, CaseIterable, ExpressibleByArgument { case start, shutdown, powerCut, reboot, pause, resume }

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Argument(help: "The node.")
    var node: String

    @Argument(help: "One of \(Action.allCases.map(\.rawValue).joined(separator: ", ")).")
    var action: Action

    @OptionGroup var state: StateOptions

    func run() async throws {
        var request = ControlRequest(.power)
        (request.node, request.action) = (node, action.rawValue)
        let chosen = request
        _ = try await ControlClient.with(try state.find(run)) { client in try await client.call(chosen) }
        Terminal.note("\(node): \(action.rawValue) done")
    }
}

/// `vmlab takeover`: this executable becomes the owner of a lab.
struct TakeoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "takeover", abstract: "Make this executable the owner of a kept lab, for example after a rebuild.",
        discussion: "The guests do not notice. Commands that run for other clients are waited for; new ones are refused until it is done.")

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Option(help: "Seconds to wait for commands that run.")
    var timeout: Double = 30

    @OptionGroup var state: StateOptions

    func run() async throws {
        let run = try state.find(run)
        let previous = try await LabTakeover.take(run, timeout: timeout)
        Terminal.note("\(run.identifier): owned by build \(Build.identifier), before by \(previous)")
    }
}
