import ArgumentParser
import LabEvents
import VMLab

/// `vmlab plan`: what would be started, without starting it.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Print what a run would start: nodes, addresses, ports, shares of the host.")

    @OptionGroup var options: ScenarioOptions
    @OptionGroup var state: StateOptions

    @Flag(help: "Print every decision with its reason.")
    var explain = false

    @Flag(help: "Print QEMU's arguments too.")
    var verbose = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let plan = try await options.planner(options.seed ?? 0).plan(stateFolder: state.folder)
        Terminal.print(json ? try plan.json() : plan.description(explain: explain, verbose: verbose))
    }
}
