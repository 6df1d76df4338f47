import BuildRegistry
import Foundation
import LabEvents
import QEMU
import Testing
import VMLab

/// Labs for tests, in this process: planned as from the command line, lent, and removed with everything that they leave.
enum TestLab {
    /// Starts a lab for the time of `body`. Nothing is booted yet.
    ///
    /// - Parameters:
    ///   - name: of the scenario, and of the folder for the time.
    ///   - wishes: what the command line would ask.
    ///   - topology: nodes and network.
    ///   - body: what is done with the lab.
    ///   - after: looks at what the lab leaves, before that is removed.
    static func with<Result: Sendable>(
        _ name: String, wishes: Scenario.Wishes = .init(),
        topology: @escaping @Sendable (Scenario.Wishes) throws(Problem) -> Topology,
        _ body: @escaping @Sendable (Lab) async throws -> Result, after: (RunDirectory) throws -> Void = { _ in }
    ) async throws -> Result {
        try await with(name) { run, events in
            let planner = Planner(
                scenario: Scenario(name: name, intent: "", topology: topology), wishes: wishes,
                accelerator: ProcessInfo.processInfo.environment["VMLAB_ACCEL"], options: PlanOptions(), seed: 7)
            let plan = try await planner.plan(stateFolder: run.path)
            return (plan, try await planner.images(for: plan, events: events))
        } body: {
            try await body($0)
        } after: {
            try after($0)
        }
    }

    /// Starts a lab of one node without a network; its name is `node`.
    static func single<Result: Sendable>(
        _ imageName: String, _ body: @escaping @Sendable (Lab) async throws -> Result, after: (RunDirectory) throws -> Void = { _ in }
    ) async throws -> Result {
        try await with("single") { run, _ in
            let requested = ProcessInfo.processInfo.environment["VMLAB_ACCEL"].flatMap(Accelerator.init(rawValue:))
            let accelerator = try await Accelerator.choose(
                requested: requested, probe: AcceleratorProbe(cacheFolder: ImageStore.defaultCache() + "/accelerator"))
            let image = try await ImageStore().image(for: try ImageCatalog.standard().description(named: imageName))
            let plan = try LabPlan.single(name: "node", image: image, accelerator: accelerator, processors: 1, stateFolder: run.path)
            return (plan, [image.key: image])
        } body: {
            try await body($0)
        } after: {
            try after($0)
        }
    }

    private static func with<Result: Sendable>(
        _ name: String, plan: (RunDirectory, EventLog) async throws -> (LabPlan, [String: BootableImage]),
        body: @escaping @Sendable (Lab) async throws -> Result, after: (RunDirectory) throws -> Void
    ) async throws -> Result {
        let state = FileManager.default.temporaryDirectory.path + "/vmlab-\(name)-\(UInt32.random(in: 0 ... .max))"
        let (run, lock) = try RunDirectory.make(state: state)
        defer {
            lock.release()
            run.remove()
            try? FileManager.default.removeItem(atPath: state)
        }
        let redactor = Redactor()
        let events = EventLog(run: run.identifier, redactor: redactor)
        let (plan, images) = try await plan(run, events)
        let options = LabOptions(events: events, redactor: redactor)
        let result = try await withLab(plan, images: images, in: run, options: options, body: body)
        run.removeSockets()
        try after(run)
        return result
    }
}
