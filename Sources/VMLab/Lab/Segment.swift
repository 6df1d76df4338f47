import Glibc
import GuestShell
public import LabEvents
public import NetworkProfiles
import Synchronization
public import VDE

/// One switch of a lab.
public final class Segment: Sendable {
    /// What the segment is made of.
    public let plan: SegmentPlan
    /// Open while the switch answers.
    private let running = Gate<VDESwitch>()
    private let isMeantToEnd = Mutex(false)
    private let restarts: AsyncStream<Void>
    private let order: AsyncStream<Void>.Continuation

    init(plan: SegmentPlan) {
        self.plan = plan
        (restarts, order) = AsyncStream.makeStream()
    }

    /// The segment's name.
    public var name: String { plan.name }

    /// The switch.
    ///
    /// - Throws: a ``Problem`` when the lab has ended, or the switch is down on purpose.
    public func vdeSwitch() throws(Problem) -> VDESwitch {
        guard let found = running.value else { throw Problem(.failure, "the switch \(name) is gone") }
        return found
    }

    /// Kills the switch, without the lab failing.
    ///
    /// - Throws: a ``Problem`` when it does not run.
    func crash() async throws {
        let vdeSwitch = try vdeSwitch()
        isMeantToEnd.withLock { $0 = true }
        running.close()
        kill(vdeSwitch.record.pid, SIGKILL)
        _ = await vdeSwitch.waitForExit()
    }

    /// Starts the switch again after ``crash()`` and returns when it is programmed as planned.
    func restart() async throws {
        guard running.value == nil else { return }
        isMeantToEnd.withLock { $0 = false }
        order.yield()
        _ = try await running.wait()
    }

    /// Lets the switch stand still, or go on.
    ///
    /// - Throws: a ``Problem`` when it does not run.
    func freeze(_ isFrozen: Bool) throws {
        kill(try vdeSwitch().record.pid, isFrozen ? SIGSTOP : SIGCONT)
    }

    private static func died(_ name: String, _ end: ProcessExit) -> Problem {
        .environment(
            .switchDied, "the switch \(name) is gone: \(end)", location: "network/switch-\(name).log",
            why: "its nodes have no network any more, and nothing joins it again after a restart",
            remedy: "run again; signal 9 comes from somebody, or from the kernel for lack of memory (dmesg)")
    }

    /// What each port carries by the plan.
    var program: SwitchProgram {
        SwitchProgram(ports: plan.ports.map { .init($0.number, untagged: $0.vlans.untagged, tagged: $0.vlans.tagged) })
    }

    /// Compares what every port of the switch carries with the plan.
    ///
    /// - Throws: a ``Problem`` that lists every difference.
    public func check() async throws(Problem) { try await vdeSwitch().check(program) }

    /// Runs the switch, programmed as planned, for the time of `body`. That it ends unasked makes the lab fail; after ``crash()`` it waits for ``restart()``.
    func with<Result: Sendable>(
        _ context: LabContext, inherited: InheritedSwitch?, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { tasks in
            // The switch ends after the body, which is over by then.
            defer { tasks.cancelAll() }
            tasks.addTask {
                try await self.serve(context, inherited)
                return nil
            }
            tasks.addTask {
                _ = try await self.running.wait()
                return try await body()
            }
            while let result = try await tasks.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    /// One life of the switch after the other.
    private func serve(_ context: LabContext, _ inherited: InheritedSwitch?) async throws {
        do {
            guard try await live(context, inherited) else { return }
            for await _ in restarts where try await !live(context, nil) { return }
        } catch let problem as Problem {
            // What the lab's end makes of a phase would hide it.
            context.fail(problem)
            throw problem
        }
    }

    /// - Returns: whether it ended because ``crash()`` said so.
    private func live(_ context: LabContext, _ inherited: InheritedSwitch?) async throws -> Bool {
        let configuration = SwitchConfiguration(
            name: name, socketFolder: plan.socket(in: context.folders), managementSocket: plan.managementSocket(in: context.folders),
            ports: plan.switchPorts)
        let place = "s\(plan.index)"
        var options = SwitchOptions(log: "\(context.run.path)/network/switch-\(name).log")
        let program = program
        let use: @Sendable (VDESwitch) async throws -> Bool = { [self] vdeSwitch in
            try Watchdog.record(vdeSwitch.record, as: place, in: context.run)
            defer { unlink("\(context.run.processes)/\(place)") }
            let pid = vdeSwitch.record.pid
            context.events.record(.process(LabEvent.ProcessChange(role: "switch", name: name, pid: pid)), node: nil, severity: .debug)
            if inherited == nil { try await vdeSwitch.apply(program) }
            running.open(vdeSwitch)
            defer { running.close() }
            guard let end = await vdeSwitch.waitForExit(), !Task.isCancelled else { return false }
            let isMeant = isMeantToEnd.withLock { $0 }
            context.events.record(
                .process(LabEvent.ProcessChange(role: "switch", name: name, pid: pid, end: "\(end)")), node: nil,
                severity: isMeant ? .info : .error)
            if !isMeant { context.fail(Self.died(name, end)) }
            return isMeant
        }
        if let inherited {
            return try await withAttachedVDESwitch(
                configuration, record: inherited.process, lifeline: inherited.lifeline, options: options, body: use)
        }
        options.launcher = Watchdog.recording(place, in: context.run)
        return try await withVDESwitch(configuration, program: program, options: options, body: use)
    }
}

extension SegmentPlan {
    /// The switch's size: what is used, and some for whoever joins it by hand. vde_switch has 32 by default.
    var switchPorts: Int { min(SwitchConfiguration.portLimit, max(32, (ports.map(\.number).max() ?? 0) + 8)) }
}

/// A running switch as the owner before knew it.
struct InheritedSwitch: Sendable, Codable {
    var process: ProcessRecord
    /// The descriptor whose closing ends the switch.
    var lifeline: Int32
}
