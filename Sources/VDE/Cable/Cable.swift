public import FoundationEssentials
public import LabEvents

/// What happened to a cable.
public struct CableChange: Sendable, Hashable, Codable {
    /// At which end.
    public var side: CableSide
    /// What.
    public var change: LinkEndChange

    /// A change from its parts.
    public init(_ side: CableSide, _ change: LinkEndChange) { (self.side, self.change) = (side, change) }
}

/// A cable between two ends, inside the scope of ``withCable(_:from:to:seed:openLimit:body:)``.
///
/// Frames pass as they are, tags too, and in their order in each direction, unless something else was asked for. Every call acts before it
/// returns, on the frames that come from then on.
public final class Cable: Sendable {
    /// The cable's name; decisions depend on it.
    public let name: String
    /// The first end.
    public let first: LinkEnd
    /// The second end.
    public let second: LinkEnd
    /// What decisions depend on.
    public let seed: UInt64
    /// What happened to its ends, from the first `up` on. Ends when the scope does.
    public var changes: EventHistory<CableChange> { worker.changes }
    let worker: CableWorker

    init(name: String, first: LinkEnd, second: LinkEnd, seed: UInt64, worker: CableWorker) {
        (self.name, self.first, self.second, self.seed, self.worker) = (name, first, second, seed, worker)
    }

    /// Sets what is done to the frames of a direction, instead of what was done before. The frames are counted anew from here on: two calls
    /// with the same impairments make the same decisions.
    ///
    /// Frames on their way take no longer than new ones would.
    ///
    /// - Throws: a problem of kind `invalidInput` when the impairments cannot be had.
    public func impair(_ direction: LinkDirection, _ impairments: Impairments) throws(Problem) {
        try impairments.validate()
        worker.change { $0[direction].impair(impairments, at: .now) }
    }

    /// What is done to the frames of a direction.
    public func impairments(_ direction: LinkDirection) -> Impairments { worker.read { $0[direction].impairments } }

    /// Ends all impairments of both directions, and lets go what they held. Whether frames pass at all is another matter:
    /// ``setPassing(_:)``.
    public func heal() {
        worker.change { lanes in
            for direction in LinkDirection.allCases { lanes[direction].impair(Impairments(), at: .now) }
        }
    }

    /// Lets frames pass in both directions or not, as a cable that is plugged or not does: frames on their way are lost too. A guest sees no
    /// more than that: its carrier is its network card's matter (QMP `set_link`).
    public func setPassing(_ isPassing: Bool) {
        worker.change { lanes in
            for direction in LinkDirection.allCases { lanes[direction].setPassing(isPassing) }
        }
    }

    /// Whether frames pass.
    public var isPassing: Bool { worker.read { $0.forward.isPassing } }

    /// Drops frames silently in both directions, besides other blocks, until ``unblock(_:)`` with the same key.
    public func block(_ key: UUID, _ block: CableBlock) { setBlock(key, block) }

    /// Ends a block; nothing happens when there is none of that key.
    public func unblock(_ key: UUID) { setBlock(key, nil) }

    private func setBlock(_ key: UUID, _ block: CableBlock?) {
        worker.change { lanes in
            for direction in LinkDirection.allCases { lanes[direction].block(key, block) }
        }
    }

    /// What became of all frames.
    public var counters: CableCounters {
        worker.read { CableCounters(forward: $0.forward.report, backward: $0.backward.report) }
    }

    /// Shows a tap the frames at an end from now on.
    ///
    /// - Returns: what ``removeTap(_:)`` takes.
    public func addTap(at side: CableSide, _ tap: any FrameTap) -> CableTap { worker.addTap(side, tap) }

    /// Shows a tap no more frames; it sees none after this.
    public func removeTap(_ tap: CableTap) { worker.removeTap(tap) }
}

/// A tap at a cable, for its removal.
public struct CableTap: Sendable, Hashable {
    let side: CableSide
    let number: Int
}
