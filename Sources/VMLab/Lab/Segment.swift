import Glibc
public import LabEvents
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

    fileprivate func hold(_ vdeSwitch: VDESwitch?) { current.withLock { $0 = vdeSwitch } }

    /// Runs the switch for the time of `body`; that it ends unasked makes the lab fail.
    func with<Result: Sendable>(
        _ context: LabContext, inherited: InheritedSwitch?, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let configuration = SwitchConfiguration(
            name: name, socketFolder: plan.socket(in: context.folders), managementSocket: plan.managementSocket(in: context.folders),
            ports: plan.switchPorts)
        let log = "\(context.run.path)/network/switch-\(name).log"
        let use: @Sendable (VDESwitch) async throws -> Result = { [self] vdeSwitch in
            try Watchdog.record(vdeSwitch.record, as: "s\(plan.index)", in: context.run)
            context.events.record(
                .process(LabEvent.ProcessChange(role: "switch", name: name, pid: vdeSwitch.record.pid)), node: nil, severity: .debug)
            hold(vdeSwitch)
            defer {
                hold(nil)
                unlink("\(context.run.processes)/s\(plan.index)")
            }
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                defer { tasks.cancelAll() }
                tasks.addTask { [self] in
                    guard let end = await vdeSwitch.waitForExit(), !Task.isCancelled else { return }
                    context.events.record(
                        .process(LabEvent.ProcessChange(role: "switch", name: name, pid: vdeSwitch.record.pid, end: "\(end)")), node: nil,
                        severity: .error)
                    context.fail(
                        .environment(
                            .switchDied, "the switch \(name) is gone: vde_switch \(end)", location: "network/switch-\(name).log",
                            why: "its nodes have no network any more, and QEMU does not join it again after a restart",
                            remedy: "run again; signal 9 comes from somebody, or from the kernel for lack of memory (dmesg)"))
                }
                return try await body()
            }
        }
        if let inherited {
            return try await withAttachedVDESwitch(
                configuration, record: inherited.process, lifeline: inherited.lifeline, options: SwitchOptions(log: log), body: use)
        }
        var options = SwitchOptions(log: log)
        options.launcher = Watchdog.recording("s\(plan.index)", in: context.run)
        return try await withVDESwitch(configuration, options: options, body: use)
    }
}

extension SegmentPlan {
    /// The switch's size: what is used, and some for whoever joins it by hand. vde_switch has 32 by default.
    var switchPorts: Int { max(32, portCount + 8) }
}

/// A running switch as the owner before knew it.
struct InheritedSwitch: Sendable, Codable {
    var process: ProcessRecord
    /// The descriptor whose closing ends the switch.
    var lifeline: Int32
}
