import FoundationEssentials
import GuestShell
public import LabEvents
import QEMU
import Synchronization

/// One node of a lab: a machine that can be started, ended and started again on the same disk.
public final class Node: Sendable {
    /// What the node is made of.
    public let plan: NodePlan
    let context: LabContext

    struct State {
        var state = LabEvent.NodeState.off
        /// Boots so far, over all lives.
        var boot = 0
        var machine: Machine?
        /// Set while somebody has asked for the machine's end, so that it is no surprise.
        var isEnding = false
        /// QEMU got a signal from outside that asked it to end.
        var gotSignal = false
        var lastLine: String?
        var panicLine: String?
        /// The boot in which the shell obeyed last.
        var readyBoot = 0
        /// Why network cards have no carrier, by their places.
        var carrierLosses: [Int: Set<CarrierLoss>] = [:]
        /// What fails of each disk, by their places.
        var diskErrors: [Int: DiskErrors] = [:]
        /// What each disk does at most, by their places.
        var diskLimits: [Int: DiskLimit] = [:]
        /// Lets the machine run at times only.
        var starvation: CPUStarvation?
        /// Seconds that the guest's clock is to differ from the host's.
        var clockShift = 0
        /// The cards whose frames are captured.
        var dumps: [CardDump] = []
        /// How the machine's own clock goes, or went.
        var clock = MachineClock()
        /// How much of the raw console log of the current boot has been taken, in bytes up to a line's end.
        var consoleOffset = 0
        /// The same of what QEMU says.
        var errorOffset = 0
    }

    let mutable = Mutex(State())
    /// Every state that the node reached.
    package let changes = EventHistory<LabEvent.NodeChange>()
    private let orders: AsyncStream<StartOrder>
    private let order: AsyncStream<StartOrder>.Continuation

    /// The wish for a life.
    struct StartOrder: Sendable {
        var origin: MachineOrigin
        let isRunning = Gate<Machine>()
    }

    init(plan: NodePlan, context: LabContext) {
        (self.plan, self.context) = (plan, context)
        (orders, order) = AsyncStream.makeStream()
    }

    /// The node's name.
    public var name: String { plan.name }
    /// Where its files lie.
    var files: NodeFiles { context.folders.files(of: plan) }
    /// Where the node stands.
    public var state: LabEvent.NodeState { mutable.withLock { $0.state } }
    /// How many times it has booted, over all its machines.
    public var boot: Int { mutable.withLock { $0.boot } }

    /// What time limits are multiplied by now; see ``Budget``.
    public var pace: Double { context.pace }
    /// The time limit that counts in this lab instead of a named one: the scenario's own of the same name, or the same.
    public func budget(_ budget: Budget) -> Budget { context.budget(budget) }
    /// Where what happens is told.
    public var events: any EventSink { context.events }

    /// The machine that runs now.
    ///
    /// - Throws: a ``Problem`` when the node is off.
    public func machine() throws(Problem) -> Machine {
        let (machine, state) = mutable.withLock { ($0.machine, $0.state) }
        if let machine { return machine }
        throw Problem(.failure, "\(name) is \(state.rawValue)", remedy: "start it first")
    }

    /// Starts the machine. Returns when its processors run; ``waitForShell(_:)`` waits for the guest. Nothing happens when it is on.
    ///
    /// - Throws: a ``Problem`` when the host lacks the memory, or QEMU does not start.
    public func start() async throws {
        guard mutable.withLock({ $0.machine == nil }) else { return }
        try await begin(.fresh)
    }

    func begin(_ origin: MachineOrigin) async throws {
        let wish = StartOrder(origin: origin)
        order.yield(wish)
        _ = try await wish.isRunning.wait()
    }

    /// Lives, one after the other, until the task is cancelled.
    func serve() async {
        for await order in orders { await live(order) }
        changes.finish()
    }

    /// Waits until the guest obeys.
    ///
    /// - Throws: a ``Problem`` when the budget is used up, or the guest is lost, with what was seen last.
    public func waitForShell(_ budget: Budget? = nil) async throws {
        try await waitFor(budget ?? context.bootBudget, "\(name): the guest obeys") { $0 == .ready }
    }

    /// Waits for a state. Ends at once when the machine is gone or panicked.
    ///
    /// - Parameter since: the length of ``changes`` before the action whose effect is waited for; nil when the state as it is counts too.
    func waitFor(_ budget: Budget, _ what: String, since: Int? = nil, _ isReached: @escaping @Sendable (LabEvent.NodeState) -> Bool)
        async throws
    {
        let node = self
        try await context.budget(budget).run(pace: { node.context.pace }, waitingFor: what, observed: { node.observation }) {
            let first = node.changes.count
            if since == nil {
                if isReached(node.state) { return }
                if let gone = node.goneReason { throw Problem(.failure, "\(node.name): \(gone)", why: "waited for: \(what)") }
            }
            for await change in node.changes.dropFirst(since ?? first) {
                if isReached(change.state) { return }
                if [.off, .lost, .panicked].contains(change.state) {
                    throw Problem(.failure, "\(node.name): \(change.detail ?? change.state.rawValue)", why: "waited for: \(what)")
                }
            }
            throw CancellationError()
        }
    }

    /// Why the node cannot come to obey without being started anew; nil when it can.
    private var goneReason: String? {
        switch state {
        case .lost, .panicked: changes.snapshot.last?.detail ?? state.rawValue
        case .off: "it is off"
        case .waiting, .booting, .ready, .paused: nil
        }
    }

    /// What is known of the node now, for an error.
    package var observation: String {
        let (state, boot, line, machine) = mutable.withLock { ($0.state, $0.boot, $0.lastLine, $0.machine) }
        let ways = state == .booting ? machine?.shell.tried ?? [] : []
        return "\(name) is \(state.rawValue) (boot \(boot))" + (line.map { ", console: '\($0.suffix(160))'" } ?? ", its console is silent")
            + (ways.isEmpty ? "" : ", ways in: \(ways.joined(separator: "; "))")
    }

    /// Records that the node reached a state and tells everybody.
    func reach(
        _ state: LabEvent.NodeState, detail: String? = nil, seconds: Double? = nil, severity: LabEvent.Severity = .info, boot: Int? = nil
    ) {
        let change = mutable.withLock { current in
            current.state = state
            if let boot { current.boot = boot }
            return LabEvent.NodeChange(state: state, boot: current.boot, detail: detail, seconds: seconds)
        }
        context.events.record(.node(change), node: name, severity: severity)
        changes.append(change)
    }
}
