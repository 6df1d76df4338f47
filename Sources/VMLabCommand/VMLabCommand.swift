public import ArgumentParser
import Glibc
import LabEvents
public import VMLab

/// The `vmlab` command line.
public struct VMLabCommand: AsyncParsableCommand {
    /// The command's name and verbs.
    public static let configuration = CommandConfiguration(
        commandName: "vmlab", abstract: "Clusters of real virtual machines for tests: scenarios, labs, images, commands in guests.",
        discussion: """
            Exit codes: 0 passed, 1 failed, 2 usage or invalid input (nothing was started), 3 the host is unfit (the key is printed as `env: KEY`), \
            75 busy, 128+n ended by signal n.
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Runs",
                subcommands: [
                    RunCommand.self, PlanCommand.self, PhaseCommand.self, PsCommand.self, DownCommand.self, EventsCommand.self,
                    TakeoverCommand.self,
                ]),
            CommandGroup(
                name: "Nodes",
                subcommands: [
                    ExecuteCommand.self, ShellCommand.self, CopyCommand.self, ConsoleCommand.self, PowerCommand.self,
                ]),
            CommandGroup(
                name: "Waits and checks",
                subcommands: [
                    SucceedCommand.self, FailCommand.self, WaitUntilSucceedsCommand.self, WaitUntilFailsCommand.self, WaitCommand.self,
                    JournalCommand.self,
                ]),
            CommandGroup(name: "Faults", subcommands: [NodeCommand.self, FaultsCommand.self, HealCommand.self]),
            CommandGroup(name: "Network", subcommands: [NetCommand.self, ProfileCommand.self]),
            CommandGroup(
                name: "Host",
                subcommands: [BootCommand.self, ImageCommand.self, FetchCommand.self, AcceleratorCommand.self, OwnerCommand.self]),
        ]
    )

    /// Made by the argument parser.
    public init() {}

    /// Parses the process's arguments, runs the verb, and ends the process with the exit code that belongs to the outcome.
    ///
    /// - Parameter scenarios: what `vmlab run` can run.
    public static func run(scenarios: ScenarioCatalog) async -> Never {
        do {
            try await Scenarios.$catalog.withValue(scenarios) {
                let command = try parseAsRoot()
                if let verb = command as? any SignalHandling {
                    try await withSignalStream { try await verb.run(signals: $0) }
                } else {
                    // Parsed again on the other side: a command need not be Sendable.
                    try await withSignals {
                        var command = try parseAsRoot()
                        if var verb = command as? any AsyncParsableCommand { try await verb.run() } else { try command.run() }
                    }
                }
            }
            Glibc.exit(0)
        } catch {
            Terminal.flush()
            Glibc.exit(report(error))
        }
    }

    /// Prints an error in its one form and gives its exit code.
    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let interruption as Interruption:
            Terminal.error("ended by \(interruption.name), everything is cleaned up")
            return 128 + interruption.signal
        case let problem as Problem:
            Terminal.error(problem.description)
            return problem.exitCode
        case let code as ExitCode: return code.rawValue
        default:
            guard let shell = error as? any ProblemConvertible else {
                let code = exitCode(for: error)
                // Help and usage come from the parser; its own code for bad usage is 64, ours is 2 for all invalid input.
                let text = fullMessage(for: error)
                if code == .success { Terminal.print(text) } else { Terminal.error(text) }
                return code == .success ? 0 : (code == .validationFailure ? 2 : 1)
            }
            Terminal.error(shell.problem.description)
            return shell.problem.exitCode
        }
    }
}
