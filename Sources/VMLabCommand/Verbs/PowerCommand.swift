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
