import ArgumentParser
import LabEvents
import VMLab

/// `vmlab takeover`: this executable becomes the owner of a lab.
struct TakeoverCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(
        commandName: "takeover",
        abstract: "Make this executable the owner of a kept or paused lab, for example after a rebuild, and run its phases.",
        discussion: """
            The guests do not notice. Commands that run for other clients are waited for; new ones are refused until it is done. A paused run ends where it \
            is, and its lab stays. With --from or --only this build's phases run then, and the exit code is their verdict's.
            """)

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Option(help: "Run this build's phases from this one on.")
    var from: String?

    @Option(help: "Run this phase of this build alone.")
    var only: String?

    @Flag(help: "Stop at breakpoints, as when this process has a terminal.")
    var attach = false

    @Option(help: "Seconds to wait for commands that run.")
    var timeout: Double = 30

    @Flag(help: "Print the events of the phases as JSON, one a line, and last an object with the verdict.")
    var json = false

    @Flag(help: "Show commands, decisions and console lines too.")
    var verbose = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        if from != nil, only != nil { throw ValidationError("--from and --only exclude each other") }
    }

    func run() async throws { try await run(signals: AsyncStream { $0.finish() }) }

    func run(signals: AsyncStream<Int32>) async throws {
        let run = try state.find(run)
        var phases = PhaseRequest(from: from, only: only)
        phases.isAttached = attach || PhaseOptions.hasUser
        let hasPhases = from != nil || only != nil
        // Before anything changes hands.
        if hasPhases {
            let name = try await ControlClient.with(run) { client in try await client.call(ControlRequest(.status)).scenario ?? "" }
            phases = try phases.resolved(in: try Scenarios.catalog.scenario(named: name).outline)
        }
        let previous = try await LabTakeover.take(run, timeout: timeout)
        Terminal.note("\(run.identifier): owned by build \(Build.identifier), before by \(previous)")
        if hasPhases { try await PhaseClient(run: run, json: json, verbose: verbose).run(phases, of: nil, signals: signals) }
    }
}
