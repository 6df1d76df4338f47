public import BuildRegistry
import FoundationEssentials
public import GuestShell
public import LabEvents
import NetworkProfiles
import QEMU
import Synchronization
import VDE

/// How a lab is run, as opposed to what it is made of.
public struct LabOptions: Sendable {
    /// Where what happens is told.
    public var events: any EventSink
    /// What redacts everything that is written.
    public var redactor: Redactor
    /// How the guests' shells are used.
    public var shell: GuestShellOptions
    /// A login for ttyS0; the images' own when nil.
    public var login: GuestLogin?
    /// Which ways in are tried; all that the machines have by default.
    public var waysIn = Set(WayIn.allCases)
    /// How long a machine may take until its guest obeys.
    public var bootBudget = Budget.boot
    /// Time limits that take the place of those of the same names.
    public var budgets: [Budget] = []
    /// What time limits are multiplied by; the plan's pace when nil.
    public var pace: Double?

    /// Options; the sink has no default.
    public init(events: any EventSink, redactor: Redactor, shell: GuestShellOptions = GuestShellOptions(), pace: Double? = nil) {
        (self.events, self.redactor, self.shell, self.pace) = (events, redactor, shell, pace)
    }
}

/// Makes a plan real for the time of `body`: starts the switches, lends the lab, and ends everything in reverse order.
///
/// No machine is started; ``Lab/boot(_:)`` does that. When `body` returns, throws or is cancelled, every process of the lab is gone and its sockets, RAM files
/// and overlays are removed. When this process is killed, a watchdog does the same within 5 s.
///
/// - Parameters:
///   - plan: what is made.
///   - images: the image of each node's plan, by the image's key.
///   - run: the run's folders; evidence goes there.
/// - Throws: a ``Problem`` when the host lacks something; what `body` throws.
public func withLab<Result: Sendable>(
    _ plan: LabPlan, images: [String: BootableImage], in run: RunDirectory, options: LabOptions,
    body: @escaping @Sendable (Lab) async throws -> Result
) async throws -> Result {
    let folders = try LabFolders.real(plan, run)
    let watchdog = try Watchdog(run, events: options.events)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { await watchdog.serve() }
        // After the lab's own scopes: until then the watchdog is needed.
        defer { tasks.cancelAll() }
        return try await withLab(plan, images: images, folders: folders, in: run, options: options, inheriting: nil, body: body)
    }
}

/// The lab inside the watchdog.
func withLab<Result: Sendable>(
    _ plan: LabPlan, images: [String: BootableImage], folders: LabFolders, in run: RunDirectory, options: LabOptions,
    inheriting inheritance: LabInheritance?, body: @escaping @Sendable (Lab) async throws -> Result
) async throws -> Result {
    let failure = LabFailure()
    let context = LabContext(
        plan: plan,
        images: Dictionary(uniqueKeysWithValues: plan.nodes.compactMap { node in images[node.image.key].map { (node.name, $0) } }),
        folders: folders, run: run, events: options.events, redactor: options.redactor, watch: try FolderWatch(),
        meter: PaceMeter(options.pace ?? plan.host.pace), bootSlots: AsyncSemaphore(plan.resources.concurrentBoots), shell: options.shell,
        login: options.login, waysIn: options.waysIn, bootBudget: options.bootBudget,
        budgets: options.budgets,
        fail: { problem in
            if failure.current == nil { options.events.problem(problem) }
            failure.record(problem)
        })
    try Folders.make(run.path + "/network")
    if let network = plan.network {
        try AtomicFile.write(Array(network.drawing().utf8), to: run.path + "/network/topology.svg", redactor: options.redactor)
    }
    // Cables listen there before the machines do.
    for node in plan.nodes { try Folders.make(folders.files(of: node).sockets) }
    let lab = Lab(context: context, failure: failure)
    defer {
        FaultLedger.end(run)
        for path in LabFolders.leftovers(plan, folders) { try? FileManager.default.removeItem(atPath: path) }
    }
    return try await withFabric(lab.fabric(context, inheritance)[...]) {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            // Leaving ends every machine and waits for it, before the switches go.
            defer { tasks.cancelAll() }
            tasks.addTask { await context.meter.measure() }
            tasks.addTask { await lab.faults.serve() }
            tasks.addTask { await lab.captureBook.jobs.serve() }
            for node in lab.nodes { tasks.addTask { await node.serve() } }
            if let inheritance {
                try await lab.take(inheritance)
                await lab.renew(inheritance.faults)
            }
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(lab)) } catch { result = .failure(error) }
            await lab.finishCaptures(atMost: .seconds(30))
            return try result.get()
        }
    }
}

/// A scope of the fabric: what it holds is there while its argument runs.
private typealias FabricScope = @Sendable (@escaping @Sendable () async throws -> Void) async throws -> Void

/// Nests the scopes of the fabric: the switches, inside them the link aggregations, and the cables that end at either.
private func withFabric<Result: Sendable>(
    _ scopes: ArraySlice<FabricScope>, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    guard let first = scopes.first else { return try await body() }
    let result = Mutex<Result?>(nil)
    try await first {
        let value = try await withFabric(scopes.dropFirst(), body)
        result.withLock { $0 = value }
    }
    guard let value = result.withLock({ $0 }) else { throw CancellationError() }
    return value
}

extension Lab {
    fileprivate func fabric(_ context: LabContext, _ inheritance: LabInheritance?) -> [FabricScope] {
        let switches = segments.map { segment -> FabricScope in
            { body in try await segment.with(context, inherited: inheritance?.switches[segment.name], body) }
        }
        let partners = aggregations.map { aggregation -> FabricScope in { body in try await aggregation.with(context, body) } }
        let joints = cables.map { cable -> FabricScope in { body in try await cable.with(context, body) } }
        return switches + partners + joints
    }
}

extension LabFolders {
    /// The folders of a run.
    static func real(_ plan: LabPlan, _ run: RunDirectory) throws(Problem) -> LabFolders {
        let ram = plan.resources.ram == .sharedMemory ? "/dev/shm/vmlab-\(run.identifier)" : "\(run.path)/ram"
        let firmware = plan.nodes.contains { $0.bootMode == .uefi } ? try Firmware.locate().code : ""
        return LabFolders(run: run.path, sockets: run.sockets, ram: ram, images: ImageStore.defaultCache() + "/images", firmware: firmware)
    }

    /// What is of no use without the guests.
    static func leftovers(_ plan: LabPlan, _ folders: LabFolders) -> [String] {
        [folders.ram] + plan.nodes.flatMap { [folders.files(of: $0).overlay, folders.files(of: $0).uefiVariables] }
    }
}

/// What a new owner takes over from the one before.
struct LabInheritance: Sendable, Codable {
    var switches: [String: InheritedSwitch]
    var faults: [OpenFault]
    var machines: [String: InheritedMachine]
    var boots: [String: Int]
    var captures: [InheritedCapture]
    /// What the cables counted.
    var counters: [String: CableCounters]
}

extension Lab {
    /// What another process needs to go on with this lab.
    func inheritance() throws -> LabInheritance {
        if let fault = openFaults.first(where: { $0.fault.stopsSwitch }) {
            throw Problem(
                .failure, "the lab cannot be taken over", why: "fault \(fault.id) is open: \(fault.fault)",
                remedy: "heal it first: vmlab heal RUN \(fault.id)")
        }
        // A machine that is stopped answers nobody until its fault is renewed, and that is later.
        for node in nodes { node.mutable.withLock { $0.starvation }?.rest() }
        var inheritance = LabInheritance(
            switches: [:], faults: openFaults, machines: [:], boots: [:], captures: try inheritedCaptures(),
            counters: [:])
        for link in cables { inheritance.counters[link.name] = try link.counters() }
        for segment in segments {
            let running = try segment.vdeSwitch()
            inheritance.switches[segment.name] = InheritedSwitch(process: running.record, lifeline: running.lifeline)
        }
        for node in nodes {
            inheritance.boots[node.name] = node.boot
            inheritance.machines[node.name] = node.inheritance
        }
        return inheritance
    }

    /// Goes on with the machines of the owner before.
    fileprivate func take(_ inheritance: LabInheritance) async throws {
        try takeCaptures(inheritance.captures)
        for link in cables { if let counters = inheritance.counters[link.name] { link.take(counters) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes {
                node.mutable.withLock { $0.boot = inheritance.boots[node.name] ?? 0 }
                guard let machine = inheritance.machines[node.name] else { continue }
                group.addTask { try await node.begin(.inherited(machine)) }
            }
            while try await group.next() != nil {}
        }
    }
}

extension Node {
    /// What another process needs to go on with this node's machine; nil when it is off.
    fileprivate var inheritance: InheritedMachine? {
        mutable.withLock { current in
            guard let guest = current.machine?.guest else { return nil }
            return InheritedMachine(
                process: guest.process, guestBoot: guest.boot, state: current.state, consoleOffset: current.consoleOffset,
                errorOffset: current.errorOffset, clock: current.clock.turns)
        }
    }
}
