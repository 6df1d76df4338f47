import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// `vmlab run`: a scenario on a lab of its own.
struct RunCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a scenario: plan a lab, start it, do the steps, end it.",
        discussion: """
            The run id is the first line on standard output. A process of its own owns the lab; this one shows what happens there. Ctrl-C, SIGTERM and SIGHUP \
            end the run and everything of it, within 7 seconds; a second one ends it at once.
            """
    )

    @OptionGroup var options: ScenarioOptions
    @OptionGroup var state: StateOptions

    @Flag(help: "Keep the lab after the scenario, until `vmlab down`; also when this process goes away.")
    var keep = false

    @Flag(help: "Keep the lab when the scenario fails.")
    var keepOnFailure = false

    @Flag(help: "Return when the nodes start to boot; the run goes on by itself.")
    var detach = false

    @Option(help: "Seconds that the scenario may take.")
    var timeout: Double?

    @Option(help: "The name of a variable of this process whose value must never be written anywhere; may be given several times.")
    var secret: [String] = []

    @Flag(help: "Print the events as JSON, one a line, on standard output.")
    var json = false

    @Flag(help: "Show commands, decisions and console lines too.")
    var verbose = false

    func validate() throws {
        if let timeout, timeout <= 0 { throw ValidationError("--timeout \(timeout): choose more than 0 seconds") }
        if keep, keepOnFailure { throw ValidationError("--keep and --keep-on-failure exclude each other") }
    }

    func run() async throws { try await run(signals: AsyncStream { $0.finish() }) }

    func run(signals: AsyncStream<Int32>) async throws {
        let seed = options.seed ?? .random(in: 0...UInt64(UInt32.max))
        let planner = try options.planner(seed)
        // What can be refused is refused before anything is made.
        try await planner.validate()
        try OwnerProcess.checkSecrets(secret)
        var request = RunRequest(
            scenario: options.scenario, wishes: options.wishes, keep: keep ? .always : keepOnFailure ? .onFailure : .never,
            isDetached: detach,
            timeout: timeout, accelerator: options.accel, options: planner.options, seed: seed)
        request.secrets = secret
        LabEnd.sweepAll()
        let (run, lock) = try RunDirectory.make(state: state.folder)
        let owner: OwnerProcess.Child
        do {
            try request.write(to: run)
            owner = try OwnerProcess.start(run, lock: lock)
            // Not before somebody owns the run: who reads the id may end this process at once.
            if json { Terminal.note("run \(run.identifier)") } else { Terminal.print("run \(run.identifier)") }
        } catch {
            lock.release()
            run.remove()
            throw error
        }
        let viewer = Viewer(run: run, owner: owner, request: request, display: Display(json: json, verbose: verbose, run: run))
        // The owner has it now.
        lock.release()
        let code = await viewer.view(signals: signals)
        if code != 0 { throw ExitCode(code) }
    }
}

/// A verb that decides itself what a signal means.
protocol SignalHandling {
    /// - Parameter signals: SIGINT, SIGTERM, SIGHUP as they come.
    func run(signals: AsyncStream<Int32>) async throws
}
