import BuildRegistry
import Foundation
import LabEvents
import QEMU
import Testing
import VMLab

/// Boots a guest for tests of waits.
enum GuestLab {
    /// Boots a node and leaves nothing behind.
    static func boot<Result: Sendable>(_ imageName: String, _ body: @escaping @Sendable (Node) async throws -> Result) async throws
        -> Result
    {
        let requested = ProcessInfo.processInfo.environment["VMLAB_ACCEL"].flatMap(Accelerator.init(rawValue:))
        let accelerator = try await Accelerator.choose(
            requested: requested, probe: AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator"))
        let image = try await ImageStore().image(for: try ImageCatalog.standard().description(named: imageName))
        let (run, lock) = try RunDirectory.make(state: FileManager.default.temporaryDirectory.path + "/vmlab-waits")
        defer {
            lock.release()
            run.removeSockets()
            run.remove()
        }
        let plan = try LabPlan.single(name: "node", image: image, accelerator: accelerator, processors: 1, stateFolder: run.path)
        let redactor = Redactor()
        let options = LabOptions(events: EventLog(run: run.identifier, redactor: redactor), redactor: redactor)
        return try await withLab(plan, images: [image.key: image], in: run, options: options) { lab in
            let node = try lab.node("node")
            try await node.start()
            try await node.waitForShell()
            return try await body(node)
        }
    }

    /// The problem of a call that must fail.
    static func problem(_ what: Comment? = nil, _ body: () async throws -> some Any) async -> Problem {
        do {
            _ = try await body()
            Issue.record("it did not fail: \(what ?? "")")
        } catch let problem as Problem {
            return problem
        } catch {
            Issue.record("it failed with \(error)")
        }
        return Problem(.failure, "")
    }
}
