import ArgumentParser
import FoundationEssentials
import LabEvents
import VMLab

/// `vmlab run`: scenarios, each on a lab of its own.
struct RunCommand: AsyncParsableCommand, SignalHandling {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run scenarios: plan a lab, start it, do the phases, end it.",
        discussion: """
            The run id is the first line on standard output. A process of its own owns the lab; this one shows what happens there. Ctrl-C, SIGTERM and SIGHUP \
            end the run and everything of it, within 7 seconds; a second one ends it at once.

            Several scenarios, and repetitions, run one after the other, each as a run of its own; a table of the verdicts is the last output. One that fails \
            does not keep the others from running unless --fail-fast says so.
            """
    )

    @Argument(help: "The scenarios; --list names them.")
    var scenarios: [String] = []

    @Option(help: "Run the scenarios with this tag; may be given several times.")
    var tag: [String] = []

    @Flag(help: "List the scenarios with their phases, and run nothing.")
    var list = false

    @OptionGroup var options: WishOptions
    @OptionGroup var phases: PhaseOptions
    @OptionGroup var state: StateOptions

    @Flag(help: "Keep the lab after the scenario, until `vmlab down`; also when this process goes away.")
    var keep = false

    @Flag(help: "Keep the lab when the scenario fails.")
    var keepOnFailure = false

    @Flag(help: "Return when the nodes start to boot; the run goes on by itself.")
    var detach = false

    @Option(help: "Seconds that each scenario may take.")
    var timeout: Double?

    @Option(help: "Run each scenario so many times.")
    var `repeat`: Int?

    @Flag(help: "Run again and again until one fails, --repeat times at most if that is given.")
    var untilFailure = false

    @Option(help: "Run a scenario that failed again, so many times at most; one that passes then is flaky, which is no failure.")
    var retries = 0

    @Flag(help: "End after the first scenario that failed.")
    var failFast = false

    @Option(help: "The name of a variable of this process whose value must never be written anywhere; may be given several times.")
    var secret: [String] = []

    @Flag(help: "Print the events as JSON, one a line, on standard output.")
    var json = false

    @Flag(help: "Show commands, decisions and console lines too.")
    var verbose = false

    func validate() throws {
        if let timeout, timeout <= 0 { throw ValidationError("--timeout \(timeout): choose more than 0 seconds") }
        if keep, keepOnFailure { throw ValidationError("--keep and --keep-on-failure exclude each other") }
        if let count = `repeat`, count < 1 { throw ValidationError("--repeat \(count): once is the least") }
        if retries < 0 { throw ValidationError("--retries \(retries): 0 is the least") }
        if scenarios.isEmpty, tag.isEmpty, !list { throw ValidationError("name a scenario, or --tag TAG; `vmlab run --list` names them") }
        if detach, isSeries { throw ValidationError("--detach is for one run; several wait for each other") }
        if phases.on != nil, isSeries || detach || keep || keepOnFailure || !secret.isEmpty {
            throw ValidationError("--on runs phases of one scenario on a lab as it is; it excludes what makes or repeats labs")
        }
    }

    private var isSeries: Bool { scenarios.count + tag.count > 1 || !tag.isEmpty || `repeat` != nil || untilFailure || retries > 0 }

    func run() async throws { try await run(signals: AsyncStream { $0.finish() }) }

    func run(signals: AsyncStream<Int32>) async throws {
        if list { return Terminal.print(Scenarios.catalog.listing) }
        let chosen = try choose()
        if let on = phases.on {
            return try await PhaseClient(run: try state.find(on), json: json, verbose: verbose).run(
                phases.request, of: chosen[0], signals: signals)
        }
        // What can be refused is refused before anything is made.
        for scenario in chosen {
            try await options.planner(scenario, seed: options.seed ?? 0).validate()
            _ = try phases.request.resolved(in: scenario.outline)
        }
        try OwnerProcess.checkSecrets(secret)
        guard isSeries || chosen.count > 1 else {
            let code = try await once(chosen[0], signals).code
            if code != 0 { throw ExitCode(code) }
            return
        }
        let series = RunSeries(
            repetitions: `repeat` ?? (untilFailure ? nil : 1), untilFailure: untilFailure, retries: retries, failFast: failFast, json: json)
        let code = try await series.run(chosen, signals: signals) { try await once($0, $1) }
        if code != 0 { throw ExitCode(code) }
    }

    private func choose() throws(Problem) -> [Scenario] {
        var chosen = try scenarios.map { name throws(Problem) in try Scenarios.catalog.scenario(named: name) }
        for tag in tag { chosen += try Scenarios.catalog.scenarios(tagged: tag) }
        var seen: Set<String> = []
        return chosen.filter { seen.insert($0.name).inserted }
    }

    /// One run of one scenario.
    private func once(_ scenario: Scenario, _ signals: AsyncStream<Int32>) async throws -> (code: Int32, run: RunDirectory) {
        let seed = options.seed ?? .random(in: 0...UInt64(UInt32.max))
        let planner = options.planner(scenario, seed: seed)
        var request = RunRequest(
            scenario: scenario.name, wishes: options.wishes, keep: keep ? .always : keepOnFailure ? .onFailure : .never,
            isDetached: detach, timeout: timeout, accelerator: options.accel, options: planner.options, seed: seed)
        request.secrets = secret
        request.phases = try phases.request.resolved(in: scenario.outline)
        await LabEnd.sweepAll()
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
        return (await viewer.view(signals: signals), run)
    }
}

/// A verb that decides itself what a signal means.
protocol SignalHandling {
    /// - Parameter signals: SIGINT, SIGTERM, SIGHUP as they come.
    func run(signals: AsyncStream<Int32>) async throws
}

extension ScenarioCatalog {
    /// The scenarios with their phases, for people.
    fileprivate var listing: String {
        scenarios.map { scenario in
            let tags = scenario.tags.isEmpty ? "" : " [\(scenario.tags.sorted().joined(separator: ", "))]"
            let phases = scenario.outline.map(\.path).joined(separator: ", ")
            return "\(scenario.name)\(tags)\n  \(scenario.intent)" + (phases.isEmpty ? "" : "\n  phases: \(phases)")
        }.joined(separator: "\n")
    }
}
