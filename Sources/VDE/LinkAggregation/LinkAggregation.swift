import Glibc
public import LabEvents

/// Several network cards of one guest that are one link, at one port of a switch, inside the scope of
/// ``withLinkAggregation(_:legs:port:system:key:rate:seed:openLimit:body:)``: the part of a switch that vde_switch lacks.
///
/// It is the partner of the guest's 802.3ad bond (IEEE 802.1AX-2014, clause 6). From the legs to the switch it takes frames as long as LACP
/// says so, and keeps the slow protocols' frames to itself. From the switch to the guest each frame takes one of the legs in use, broadcasts
/// too: always the same for one flow (see ``FlowHash``). Nothing that came from a leg goes to a leg, because a switch sends nothing back to
/// the port it came from.
///
/// Frames of one flow stay in order as long as their leg is in use. When the leg goes, what waits for it is lost, and the flow goes on at
/// another; when it comes back, the flow returns to it, and may overtake what the guest has not yet read from the other one.
public final class LinkAggregation: Sendable {
    /// The name.
    public let name: String
    /// The guest's cards.
    public let legs: [LinkEnd]
    /// The switch port.
    public let port: LinkEnd
    /// What changes, from the beginning on, for any number of readers; the first 100 000 changes. Ends when the scope does, or with a
    /// ``problem``.
    public var changes: EventHistory<LinkAggregationChange> { worker.changes }
    private let worker: LinkAggregationWorker

    init(_ worker: LinkAggregationWorker) {
        (name, legs, port) = (worker.name, worker.legs, worker.port)
        self.worker = worker
    }

    /// What it is doing at this moment.
    public var status: LinkAggregationStatus { worker.status }

    /// Why it ended before its scope did: the host refused what it needs, such as a thread. No frame passes then.
    public var problem: Problem? { worker.problem }

    /// Takes a leg's carrier, or gives it back. Without it the leg is out of use when this returns: frames from it are dropped and counted,
    /// and what the switch sends takes the others. What the guest sees is the caller's part: QEMU's `set_link`.
    ///
    /// - Parameters:
    ///   - leg: the leg's number, from 0.
    ///   - hasCarrier: whether it has carrier from now on.
    /// - Throws: a problem of kind `invalidInput` when there is no such leg.
    public func setCarrier(_ leg: Int, _ hasCarrier: Bool) throws(Problem) {
        guard legs.indices.contains(leg) else {
            throw Problem(
                .invalidInput, "link aggregation \(name) has no leg \(leg)", location: name, why: "its legs are 0 to \(legs.count - 1)")
        }
        worker.setCarrier(leg, hasCarrier)
    }
}
