public import ArgumentParser
import BuildRegistry
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
public import QEMU
import VMLab

/// Compares the guest shell with the way test drivers usually run commands: through a shell on /dev/hvc0, base64 and an end mark.
@main
struct GuestShellBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "GuestShellBenchmark", abstract: "Measure commands in a guest against the usual way through /dev/hvc0.",
        discussion: "Exit codes: 0 targets met, 1 a target missed or a failure, 2 invalid input, 3 the host is unfit."
    )

    @Option(help: "An image with a test backdoor on /dev/hvc0 and a login on ttyS0.")
    var image = "debian"

    @Option(help: "kvm or tcg; without it KVM where it runs a guest, else TCG.")
    var accel: Accelerator?

    @Option(help: "How often each short command is measured.")
    var rounds = 30

    @Option(help: "How often the bulk output is measured.")
    var bulkRounds = 3

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if rounds < 1 { throw ValidationError("--rounds \(rounds): choose at least 1") }
        if bulkRounds < 1 { throw ValidationError("--bulk-rounds \(bulkRounds): choose at least 1") }
    }

    func run() async throws {
        do {
            let report = try await measure()
            print(json ? try Self.encode(report) : report.table)
            let missed = report.targets.filter { !$0.isMet }
            for target in missed {
                Self.note("missed: \(target.name): ratio \(Report.decimal(target.ratio)), at least \(Report.decimal(target.least))")
            }
            if !missed.isEmpty { throw ExitCode(1) }
        } catch let problem as Problem {
            Self.note(problem.description)
            throw ExitCode(problem.exitCode)
        } catch let error as GuestShellError {
            Self.note(error.problem.description)
            throw ExitCode(error.problem.exitCode)
        }
    }

    private func measure() async throws -> Report {
        let probe = try AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator")
        let choice = try await Accelerator.choose(requested: accel, probe: probe)
        if let reason = choice.reason { Self.note(reason) }
        let bootable = try await ImageStore().image(for: try ImageCatalog.standard().description(named: image))
        let (run, lock) = try RunDirectory.make()
        defer {
            lock.release()
            run.remove()
        }
        let plan = try LabPlan.single(name: "guest", image: bootable, accelerator: choice, processors: 1, stateFolder: run.path)
        let redactor = Redactor()
        var options = LabOptions(events: EventLog(run: run.identifier, redactor: redactor), redactor: redactor)
        // The backdoor stays free for the usual way.
        options.waysIn = [.serial]
        let (rounds, bulkRounds) = (rounds, bulkRounds)
        return try await withLab(plan, images: [bootable.key: bootable], in: run, options: options) { lab in
            let node = try lab.node("guest")
            try await node.start()
            try await node.waitForShell()
            let machine = try node.machine()
            let console = try BackdoorConsole(path: run.sockets + "/n0/hvc0")
            try await console.waitForShell()
            var measurement = Measurement(
                shell: machine.shell, console: console, rounds: rounds, bulkRounds: bulkRounds,
                report: Report(
                    image: bootable.name, accelerator: choice.accelerator.rawValue, isDebugBuild: Self.isDebugBuild, bulkBytes: 20_000_000
                )
            )
            try await measurement.run()
            return measurement.report
        }
    }

    private static var isDebugBuild: Bool {
        #if DEBUG
            true
        #else
            false
        #endif
    }

    private static func encode(_ report: Report) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }

    private static func note(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

extension Accelerator: ExpressibleByArgument {}
