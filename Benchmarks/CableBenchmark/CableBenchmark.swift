import ArgumentParser
import Glibc
import LabEvents

/// Compares a cable with wirefilter between the same two switches, in turns.
@main
struct CableBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "CableBenchmark",
        abstract: "Measure frames a second through an idle cable and through wirefilter, between the same two switches, in turns.",
        discussion:
            "The target is met unless chance alone (95 %) cannot explain what is missing. Exit codes: 0 the target is met, 1 it is missed or something failed, 2 invalid input, 3 the host is unfit.",
        subcommands: [Compare.self, Carry.self], defaultSubcommand: Compare.self
    )
}

/// What users call.
struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure both (what is done without a subcommand).")

    @Option(help: "How often each is measured for each load, 200 ms at a time.")
    var rounds = 25

    @Option(help: "What the cable must carry at least, as a multiple of what wirefilter does.")
    var atLeast = 1.0

    func validate() throws {
        if !(0...10).contains(atLeast) { throw ValidationError("--at-least \(atLeast): choose 0 to 10") }
        if rounds < 3 { throw ValidationError("--rounds \(rounds): choose at least 3") }
    }

    func run() async throws {
        do {
            if try await !Comparison(rounds: rounds, target: atLeast).run() { throw ExitCode(1) }
        } catch let problem as Problem {
            let line = Array((problem.description + "\n").utf8)
            _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            throw ExitCode(problem.exitCode)
        }
    }
}
