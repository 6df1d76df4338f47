import BuildRegistry
import Foundation
import GuestShell
import LabEvents
import QEMU
import Testing
import VMLab

/// Boots guests for tests.
enum GuestFixture {
    /// Budgets for a host as slow as any that runs these tests; they bound a hang and measure nothing.
    static let readyTimeout = Duration.seconds(300)

    /// The accelerator that `ci/test --accel` names, or what the host can do.
    static func accelerator() async throws -> AcceleratorChoice {
        let requested = ProcessInfo.processInfo.environment["VMLAB_ACCEL"].flatMap(Accelerator.init(rawValue:))
        return try await Accelerator.choose(
            requested: requested, probe: AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator"))
    }

    /// An image of ours, from the cache or made.
    static func image(_ name: String) async throws -> BootableImage {
        try await ImageStore().image(for: try ImageCatalog.standard().description(named: name))
    }

    /// A folder for one run, as short as the sockets need, beside the default ones.
    static func folder() throws -> (run: RunDirectory, lock: RunLock) {
        try RunDirectory.make(state: FileManager.default.temporaryDirectory.path + "/vmlab-tests")
    }

    /// Boots a guest and leaves nothing behind.
    static func boot<Result: Sendable>(
        _ imageName: String = "mini", mode: BootMode? = nil, shell: GuestShellOptions.Shell = .automatic, processors: Int? = nil,
        waysIn: Set<WayIn> = [.backdoor], login: GuestLogin? = nil, _ body: @escaping @Sendable (Machine) async throws -> Result
    ) async throws -> Result {
        try await boot(try await image(imageName), mode: mode, shell: shell, processors: processors, waysIn: waysIn, login: login, body)
    }

    /// Boots a guest and leaves nothing behind.
    static func boot<Result: Sendable>(
        _ image: BootableImage, mode: BootMode? = nil, shell: GuestShellOptions.Shell = .automatic, processors: Int? = nil,
        waysIn: Set<WayIn> = [.backdoor], login: GuestLogin? = nil, _ body: @escaping @Sendable (Machine) async throws -> Result
    ) async throws -> Result {
        let (run, lock) = try folder()
        defer { lock.release() }
        let plan = try LabPlan.single(
            name: "node", image: image, accelerator: try await accelerator(), mode: mode, processors: processors, stateFolder: run.path)
        let redactor = Redactor()
        var options = LabOptions(events: EventLog(run: run.identifier, redactor: redactor), redactor: redactor)
        options.shell = GuestShellOptions(shell: shell)
        options.bootBudget = Budget("boot", readyTimeout)
        (options.waysIn, options.login) = (waysIn, login)
        do {
            let result = try await withLab(plan, images: [image.key: image], in: run, options: options) { lab in
                let node = try lab.node("node")
                try await node.start()
                try await node.waitForShell()
                return try await body(try node.machine())
            }
            run.removeSockets()
            run.remove()
            #expect(!FileManager.default.fileExists(atPath: run.sockets))
            return result
        } catch {
            run.remove()
            throw error
        }
    }
}

extension CommandResult {
    /// Standard output as text without the last line end.
    var output: String { stdout.trimmed }
}

/// The loss that an error names.
func loss(_ error: (any Error)?) -> GuestLoss? {
    guard case .lost(let loss, _, _) = error as? GuestShellError else { return nil }
    return loss
}
