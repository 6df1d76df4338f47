public import ArgumentParser
import BuildRegistry
import Glibc
import LabEvents
import Phases
public import QEMU
import VMLab

/// Measures how soon a wait notices, and what it costs the guest.
@main
struct WaitBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "WaitBenchmark",
        abstract: "Measure waits in a guest while another one is busy: the reaction against a 1 s poll, and the processor time.",
        discussion: "Exit codes: 0 targets met, 1 a target missed or a failure, 2 invalid input, 3 the host is unfit."
    )

    @Option(help: "kvm or tcg; without it KVM where it runs a guest, else TCG.")
    var accel: Accelerator?

    @Option(help: "How often each reaction is measured.")
    var rounds = 15

    func validate() throws {
        if rounds < 3 { throw ValidationError("--rounds \(rounds): choose at least 3") }
    }

    func run() async throws {
        do {
            let targets = try await measure()
            for target in targets { print((target.isMet ? "met     " : "missed  ") + target.text) }
            if targets.contains(where: { !$0.isMet }) { throw ExitCode(1) }
        } catch let problem as Problem {
            let line = Array((problem.description + "\n").utf8)
            _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            throw ExitCode(problem.exitCode)
        }
    }

    private func measure() async throws -> [Target] {
        let rounds = rounds
        return try await withNode("a") { node in
            try await withNode("b") { other in try await Measurement(node: node, other: other, rounds: rounds).run() }
        }
    }

    /// A node in a lab of its own.
    private func withNode<Result: Sendable>(_ name: String, _ body: @escaping @Sendable (Node) async throws -> Result) async throws
        -> Result
    {
        let choice = try await Accelerator.choose(
            requested: accel, probe: AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator"))
        let image = try await ImageStore().image(for: try ImageCatalog.standard().description(named: "mini"))
        let (run, lock) = try RunDirectory.make()
        defer {
            lock.release()
            run.removeSockets()
            run.remove()
        }
        let plan = try LabPlan.single(name: name, image: image, accelerator: choice, processors: 1, stateFolder: run.path)
        let redactor = Redactor()
        let options = LabOptions(events: EventLog(run: run.identifier, redactor: redactor), redactor: redactor)
        return try await withLab(plan, images: [image.key: image], in: run, options: options) { lab in
            try await lab.boot()
            return try await body(lab.node(name))
        }
    }
}

extension Accelerator: ExpressibleByArgument {}

/// Something that must hold.
struct Target: Sendable {
    var text: String
    var isMet: Bool
}
