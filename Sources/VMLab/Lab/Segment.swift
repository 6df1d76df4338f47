import Glibc
public import LabEvents
public import NetworkProfiles
import Synchronization
public import VDE

/// One switch of a lab.
public final class Segment: Sendable {
    /// What the segment is made of.
    public let plan: SegmentPlan
    private let current = Mutex<VDESwitch?>(nil)

    init(plan: SegmentPlan) { self.plan = plan }

    /// The segment's name.
    public var name: String { plan.name }

    /// The switch.
    ///
    /// - Throws: a ``Problem`` when the lab has ended.
    public func vdeSwitch() throws(Problem) -> VDESwitch {
        guard let found = current.withLock({ $0 }) else { throw Problem(.failure, "the switch \(name) is gone") }
        return found
    }

    /// What each port carries by the plan.
    private var program: SwitchProgram {
        SwitchProgram(ports: plan.ports.map { .init($0.number, untagged: $0.vlans.untagged, tagged: $0.vlans.tagged) })
    }

    /// Compares what every port of the switch carries with the plan.
    ///
    /// - Throws: a ``Problem`` that lists every difference.
    public func check() async throws(Problem) { try await vdeSwitch().check(program) }

    /// Runs the switch, programmed as planned, for the time of `body`; that it ends unasked makes the lab fail.
    func with<Result: Sendable>(
        _ context: LabContext, inherited: InheritedSwitch?, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let configuration = SwitchConfiguration(
            name: name, socketFolder: plan.socket(in: context.folders), managementSocket: plan.managementSocket(in: context.folders),
            ports: plan.switchPorts)
        let place = "s\(plan.index)"
        var options = SwitchOptions(log: "\(context.run.path)/network/switch-\(name).log")
        let program = program
        let use: @Sendable (VDESwitch) async throws -> Result = { [self] vdeSwitch in
            try await context.lending(vdeSwitch.record, role: "switch", name: name, place: place, exit: { await vdeSwitch.waitForExit() }) {
                if inherited == nil { try await vdeSwitch.apply(program) }
                current.withLock { $0 = vdeSwitch }
                defer { current.withLock { $0 = nil } }
                return try await body()
            }
        }
        if let inherited {
            return try await withAttachedVDESwitch(
                configuration, record: inherited.process, lifeline: inherited.lifeline, options: options, body: use)
        }
        options.launcher = Watchdog.recording(place, in: context.run)
        return try await withVDESwitch(configuration, options: options, body: use)
    }
}

extension LabContext {
    /// Records a process of the fabric for the time of `body`, and makes the lab fail when it ends unasked.
    ///
    /// - Parameters:
    ///   - role: `switch` or `trunk`.
    ///   - place: the name of its record.
    ///   - exit: waits for its end.
    func lending<Result: Sendable>(
        _ process: ProcessRecord, role: String, name: String, place: String, exit: @escaping @Sendable () async -> ProcessExit?,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try Watchdog.record(process, as: place, in: run)
        defer { unlink("\(run.processes)/\(place)") }
        events.record(.process(LabEvent.ProcessChange(role: role, name: name, pid: process.pid)), node: nil, severity: .debug)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask {
                guard let end = await exit(), !Task.isCancelled else { return }
                events.record(
                    .process(LabEvent.ProcessChange(role: role, name: name, pid: process.pid, end: "\(end)")), node: nil, severity: .error)
                fail(
                    .environment(
                        .switchDied, "the \(role) \(name) is gone: \(end)", location: "network/\(role)-\(name).log",
                        why: "its nodes have no network any more, and nothing joins it again after a restart",
                        remedy: "run again; signal 9 comes from somebody, or from the kernel for lack of memory (dmesg)"))
            }
            return try await body()
        }
    }
}

extension SegmentPlan {
    /// The switch's size: what is used, and some for whoever joins it by hand. vde_switch has 32 by default.
    var switchPorts: Int { min(SwitchConfiguration.portLimit, max(32, (ports.map(\.number).max() ?? 0) + 8)) }
}

/// A running switch or trunk as the owner before knew it.
struct InheritedSwitch: Sendable, Codable {
    var process: ProcessRecord
    /// The descriptor whose closing ends the switch.
    var lifeline: Int32
}
