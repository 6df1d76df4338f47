import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// `vmlab phase`: the phases of a lab that stays or waits.
struct PhaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phase", abstract: "List the phases of a living lab, run them again, let a paused run go on.",
        discussion: """
            A phase is named by its path, such as `cluster/join`, or by the end of it where that is clear. The exit code is the verdict's: 0 when what ran \
            passed or waits again, 1 when it failed. A phase that this process had started ends with it.
            """,
        subcommands: [PhaseListCommand.self, PhaseRunCommand.self, PhaseNextCommand.self, PhaseContinueCommand.self])
}

/// What the verbs have in common.
struct PhaseVerbOptions: ParsableArguments {
    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Flag(help: "Print JSON: events, one a line, and last an object with the verdict.")
    var json = false

    @Flag(help: "Show commands, decisions and console lines too.")
    var verbose = false

    @OptionGroup var state: StateOptions

    func client() throws -> PhaseClient { PhaseClient(run: try state.find(run), json: json, verbose: verbose) }
}

/// `vmlab phase list`: the phases and how they stand.
struct PhaseListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the scenario's phases, how they stand, and which is next.")

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    private struct Report: Encodable {
        var scenario: String?
        var pausedAt: String?
        var phases: [PhaseStatus]
    }

    func run() async throws {
        var request = ControlRequest(.phase)
        request.action = "list"
        let chosen = request
        let reply = try await ControlClient.with(try state.find(run)) { client in try await client.call(chosen) }
        let phases = reply.phases ?? []
        if json { return Terminal.print(try Terminal.json(Report(scenario: reply.scenario, pausedAt: reply.pausedAt, phases: phases))) }
        Terminal.table(
            [["", "PHASE", "STATE", "SECONDS", "WHY OR WHAT"]]
                + phases.map { phase in
                    let name = phase.phase.split(separator: "/")
                    return [
                        phase.phase == reply.pausedAt ? "=" : phase.isNext ? ">" : "",
                        String(repeating: "  ", count: name.count - 1) + (name.last ?? ""),
                        phase.verdict?.words ?? phase.state?.rawValue ?? "-", phase.seconds.map { "\($0)" } ?? "",
                        String((phase.reason ?? "").prefix(100)),
                    ]
                })
        if reply.pausedAt != nil { Terminal.note("= the run waits there: vmlab phase continue \(run) · vmlab phase next \(run)") }
    }
}

/// `vmlab phase run`: a phase, on the lab as it is.
struct PhaseRunCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a phase on a kept or paused lab, with --onward also those after it.")

    @OptionGroup var options: PhaseVerbOptions

    @Argument(help: "The phase.")
    var phase: String

    @Flag(help: "Go on with the phases after it, and then with those that come at the end.")
    var onward = false

    @Option(help: "Wait before this phase, until `vmlab phase continue`.")
    var pauseBefore: String?

    @Flag(help: "Stop at breakpoints, as when this process has a terminal.")
    var attach = false

    func run() async throws { try await run(signals: AsyncStream { $0.finish() }) }

    func run(signals: AsyncStream<Int32>) async throws {
        var request = onward ? PhaseRequest(from: phase) : PhaseRequest(only: phase)
        request.pauseBefore = pauseBefore
        request.isAttached = attach || PhaseOptions.hasUser
        try await options.client().run(request, of: nil, signals: signals)
    }
}

/// `vmlab phase next`: one phase further.
struct PhaseNextCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(
        commandName: "next", abstract: "Run the phase after the last that passed; a paused run goes on to the next phase and waits there.")

    @OptionGroup var options: PhaseVerbOptions

    func run() async throws { try await run(signals: AsyncStream { $0.finish() }) }
    func run(signals: AsyncStream<Int32>) async throws { try await options.client().ask("next", signals: signals) }
}

/// `vmlab phase continue`: a paused run goes on.
struct PhaseContinueCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(
        commandName: "continue", abstract: "Let a paused run go on, and show it until it ends or waits again.")

    @OptionGroup var options: PhaseVerbOptions

    func run() async throws { try await run(signals: AsyncStream { $0.finish() }) }
    func run(signals: AsyncStream<Int32>) async throws { try await options.client().ask("continue", signals: signals) }
}
