import ArgumentParser
import LabEvents
import VMLab

/// `vmlab plan`: what would be started, without starting it.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Print what a run would start: nodes, addresses, ports, shares of the host.")

    @Argument(help: "The scenario; `vmlab run --list` names them.")
    var scenario: String

    @OptionGroup var options: WishOptions
    @OptionGroup var state: StateOptions

    @Flag(help: "Print every decision with its reason.")
    var explain = false

    @Flag(help: "Print QEMU's arguments too.")
    var verbose = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let plan = try await options.planner(try Scenarios.catalog.scenario(named: scenario), seed: options.seed ?? 0).plan(
            stateFolder: state.folder)
        Terminal.print(json ? try plan.json() : plan.description(explain: explain, verbose: verbose))
    }
}
