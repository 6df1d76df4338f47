import BuildRegistry
import Foundation
import GuestShell
import QEMU
import Testing
import VMLab

/// Boots guests for tests.
enum GuestFixture {
    /// Budgets for a host as slow as any that runs these tests; they bound a hang and measure nothing.
    static let readyTimeout = Duration.seconds(300)

    /// The accelerator that `ci/test --accel` names, or what the host can do.
    static func accelerator() async throws -> Accelerator {
        let requested = ProcessInfo.processInfo.environment["VMLAB_ACCEL"].flatMap(Accelerator.init(rawValue:))
        return try await Accelerator.choose(
            requested: requested, probe: AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator")
        ).accelerator
    }

    /// An image of ours, from the cache or made.
    static func image(_ name: String) async throws -> BootableImage {
        try await ImageStore().image(for: try ImageCatalog.standard().description(named: name))
    }

    /// A folder for one run, as short as the sockets need, beside the default ones.
    static func folder() throws -> RunFolder {
        try RunFolder.make(state: FileManager.default.temporaryDirectory.path + "/vmlab-tests")
    }

    /// Boots a guest and leaves nothing behind.
    static func boot<Result: Sendable>(
        _ imageName: String = "mini", mode: BootMode? = nil, shell: GuestShellOptions.Shell = .automatic, processors: Int? = nil,
        waysIn: Set<MachineRequest.WayIn> = [.backdoor], login: GuestLogin? = nil, _ body: (Machine) async throws -> Result
    ) async throws -> Result {
        try await boot(try await image(imageName), mode: mode, shell: shell, processors: processors, waysIn: waysIn, login: login, body)
    }

    /// Boots a guest and leaves nothing behind.
    static func boot<Result: Sendable>(
        _ image: BootableImage, mode: BootMode? = nil, shell: GuestShellOptions.Shell = .automatic, processors: Int? = nil,
        waysIn: Set<MachineRequest.WayIn> = [.backdoor], login: GuestLogin? = nil, _ body: (Machine) async throws -> Result
    ) async throws -> Result {
        let run = try folder()
        var request = MachineRequest(
            name: "node", image: image, accelerator: try await accelerator(), mode: mode, processors: processors, login: login,
            waysIn: waysIn
        )
        request.shell = GuestShellOptions(shell: shell, readyTimeout: readyTimeout)
        do {
            let result = try await withMachine(request, in: run) { machine async throws in
                try await machine.shell.waitUntilReady()
                return try await body(machine)
            }
            run.remove(keepingEvidence: false)
            #expect(!FileManager.default.fileExists(atPath: run.sockets))
            return result
        } catch {
            run.remove(keepingEvidence: false)
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
