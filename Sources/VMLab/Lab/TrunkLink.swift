public import LabEvents
public import NetworkProfiles
import Synchronization
public import VDE

/// One trunk of a lab: what joins two of its switches.
public final class TrunkLink: Sendable {
    /// What the trunk is made of.
    public let plan: TrunkPlan
    private let current = Mutex<Trunk?>(nil)

    init(plan: TrunkPlan) { self.plan = plan }

    /// The trunk's name.
    public var name: String { plan.name }

    /// The trunk's process.
    ///
    /// - Throws: a ``Problem`` when the lab has ended.
    public func trunk() throws(Problem) -> Trunk {
        guard let found = current.withLock({ $0 }) else { throw Problem(.failure, "the trunk \(name) is gone") }
        return found
    }

    /// Joins the switches for the time of `body`; that the trunk ends unasked makes the lab fail.
    func with<Result: Sendable>(
        _ context: LabContext, inherited: InheritedSwitch?, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let configuration = TrunkConfiguration(
            name: name, first: try address(plan.first, context), second: try address(plan.second, context),
            managementSocket: "\(context.folders.sockets)/t\(plan.index).mgmt")
        let place = "t\(plan.index)"
        var options = SwitchOptions(log: "\(context.run.path)/network/trunk-\(name).log")
        let use: @Sendable (Trunk) async throws -> Result = { [self] trunk in
            try await context.lending(trunk.record, role: "trunk", name: name, place: place, exit: { await trunk.waitForExit() }) {
                current.withLock { $0 = trunk }
                defer { current.withLock { $0 = nil } }
                return try await body()
            }
        }
        if let inherited {
            return try await withAttachedTrunk(
                configuration, record: inherited.process, lifeline: inherited.lifeline, options: options, body: use)
        }
        options.launcher = Watchdog.recording(place, in: context.run)
        return try await withTrunk(configuration, options: options, body: use)
    }

    private func address(_ port: PortReference, _ context: LabContext) throws(Problem) -> PortAddress {
        guard let segment = context.plan.segments.first(where: { $0.name == port.segment }) else {
            throw Problem(.failure, "the trunk \(name) ends at a segment that the plan lacks", why: port.description)
        }
        return PortAddress(switchFolder: segment.socket(in: context.folders), port: port.number)
    }
}
