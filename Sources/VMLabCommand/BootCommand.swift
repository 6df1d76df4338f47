public import ArgumentParser
public import BuildRegistry
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import QEMU
import VMLab

/// `vmlab boot`: one guest, for a look or for a few commands.
struct BootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boot", abstract: "Boot one guest, run commands in it, or open a shell.",
        discussion: """
            IMAGE is a name from images/ (made first when the cache lacks it), a registered variant (see `vmlab image matrix`) or the path of a raw, .wic or qcow2 disk. The disk is never written: each \
            boot has its own overlay. Without --exec and --shell the guest's arrival is reported and it is ended again.
            """
    )

    @Argument(help: "Image name, variant or disk image file.")
    var image: String

    @Option(help: "How it boots: \(BootMode.allCases.map(\.rawValue).joined(separator: ", ")). Default: the image's quickest way.")
    var firmware: BootMode?

    @Option(help: "Memory in MiB.")
    var memory: Int?

    @Option(help: "Virtual processors.")
    var cpus: Int?

    @Option(help: "kvm or tcg; without it KVM where it runs a guest, else TCG.")
    var accel: Accelerator?

    @Option(help: "A root login on ttyS0, USER:PASSWORD or USER; better from the environment: VMLAB_LOGIN.")
    var login: String?

    @Option(help: ArgumentHelp("Run a command in the guest; may be given several times.", valueName: "command"))
    var exec: [String] = []

    @Flag(help: "Open an interactive shell in the guest; leave it with exit, or with Ctrl-] at any time.")
    var shell = false

    @Option(help: "Seconds that the guest may take until it obeys.")
    var timeout: Int = 180

    @Option(help: ArgumentHelp("Keep the logs in this folder.", valueName: "folder"))
    var keepLogs: String?

    func validate() throws {
        if let memory, memory < 16 { throw ValidationError("--memory \(memory): a guest needs at least 16 MiB") }
        if let cpus, !(1...255).contains(cpus) { throw ValidationError("--cpus \(cpus): choose 1 to 255") }
        if timeout < 1 { throw ValidationError("--timeout \(timeout): choose at least 1 second") }
        if shell, isatty(STDIN_FILENO) != 1 { throw ValidationError("--shell needs a terminal; use --exec in scripts") }
    }

    func run() async throws {
        let source = try await ImageSource.find(image)
        let choice = try await AcceleratorOption.choose(accel)
        if let reason = choice.reason { Terminal.note(reason) }
        let bootable = try await source.image()
        let state = RunDirectory.defaultState()
        let plan = try LabPlan.single(
            name: "guest", image: bootable, accelerator: choice, mode: firmware, memory: memory, processors: cpus, stateFolder: state)
        await LabEnd.sweepAll()
        let (run, lock) = try RunDirectory.make(state: state)
        defer { lock.release() }
        let redactor = Redactor()
        var options = LabOptions(events: EventLog(run: run.identifier, redactor: redactor), redactor: redactor)
        options.bootBudget = Budget("boot", .seconds(timeout))
        options.login = (login ?? ProcessInfo.processInfo.environment["VMLAB_LOGIN"]).map(Self.parse)
        do {
            let failed = try await withLab(plan, images: [bootable.key: bootable], in: run, options: options) { lab in
                let node = try lab.node("guest")
                return try await lab.guarded {
                    try await node.start()
                    return try await use(node, bootable)
                }
            }
            try keep(run)
            run.remove()
            if failed { throw ExitCode(1) }
        } catch let code as ExitCode {
            throw code
        } catch {
            try? keep(run)
            // Logs explain a guest; what never started left none.
            let isUnexplained = !(error is CancellationError) && ((error as? Problem)?.kind ?? .failure) == .failure && keepLogs == nil
            if isUnexplained {
                run.removeSockets()
                Terminal.note("logs: \(run.node("guest"))")
            } else {
                run.remove()
            }
            throw error
        }
    }

    /// Whether a command failed.
    private func use(_ node: Node, _ image: BootableImage) async throws -> Bool {
        let start = ContinuousClock.now
        let machine = try node.machine()
        let size = "\(machine.guest.configuration.memory.mebibytes) MiB, \(machine.guest.configuration.processors) vCPU"
        Terminal.note(
            "\(image.name): booting (\(node.plan.bootMode.rawValue), \(machine.guest.configuration.accelerator.rawValue), \(size))")
        try await node.waitForShell()
        let kernel = try await machine.shell.execute("uname -sr")
        Terminal.note("\(image.name): up after \(BuildProgress.seconds(start.duration(to: .now))): \(kernel.stdout.trimmed)")
        for command in exec {
            Terminal.note("$ \(command)")
            var request = CommandRequest(command)
            request.captureLimit = 2
            request.onOutput = { piece in Terminal.write(piece.stream == .stdout ? STDOUT_FILENO : STDERR_FILENO, piece.bytes) }
            let result = try await machine.shell.execute(request)
            guard result.succeeded else {
                Terminal.error("error: '\(command)' ended with \(result.outcome)")
                return true
            }
        }
        if shell {
            let outcome = try await InteractiveTerminal.run { try await machine.shell.terminal(client: $0) }
            Terminal.note("the shell ended: \(outcome)")
        }
        return false
    }

    /// Copies the logs to where the user wants them.
    private func keep(_ run: RunDirectory) throws {
        guard let keepLogs else { return }
        try FileManager.default.createDirectory(atPath: keepLogs, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: run.node("guest")) where name.hasSuffix(".log") {
            let target = "\(keepLogs)/\(name)"
            if FileManager.default.fileExists(atPath: target) { try FileManager.default.removeItem(atPath: target) }
            try FileManager.default.copyItem(atPath: "\(run.node("guest"))/\(name)", toPath: target)
        }
    }

    private static func parse(_ login: String) -> GuestLogin {
        let parts = login.split(separator: ":", maxSplits: 1).map(String.init)
        return GuestLogin(user: parts.first ?? "root", password: parts.count > 1 ? parts[1] : nil)
    }
}

extension BootMode: ExpressibleByArgument {}

/// What the word IMAGE on a command line means.
enum ImageSource {
    case description(ImageDescription)
    case file(String)
    case registered(BootableImage)

    /// A path when it looks like one, else a name from the catalog, else a variant.
    static func find(_ word: String) async throws -> ImageSource {
        if ImageFacts.isPath(word) { return .file(word) }
        if let id = try await ImageFacts.variant(word, catalog: try ImageCatalog.standard()) {
            return .registered(try await ImageRegistry().bootable(id))
        }
        return .description(try ImageCatalog.standard().description(named: word))
    }

    func image() async throws -> BootableImage {
        switch self {
        case .description(let description): try await ImageStore().image(for: description, progress: BuildProgress.show)
        case .file(let path): try await ForeignImage.inspect(path, digesting: false)
        case .registered(let image): image
        }
    }
}
