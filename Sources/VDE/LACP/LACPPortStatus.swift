/// What can be observed of a port that may be aggregated.
public struct LACPPortStatus: Sendable, Hashable, Codable {
    /// The states of the receive machine (IEEE 802.1AX-2014, 6.4.12). LACP is never switched off here, so LACP_DISABLED is none of them.
    public enum Receive: String, Sendable, Codable {
        /// Before anything.
        case initialize
        /// The link does not work.
        case portDisabled
        /// The far end was silent for too long, or not heard yet; it is given the short timeout to say something.
        case expired
        /// The far end says nothing; values are assumed.
        case defaulted
        /// The far end was heard in time.
        case current
    }

    /// The states of the periodic machine (6.4.13) between which it stays.
    public enum Periodic: String, Sendable, Codable {
        /// Nothing is sent.
        case none
        /// Every second.
        case fast
        /// Every 30 s.
        case slow
    }

    /// The states of the mux machine (6.4.15).
    public enum Mux: String, Sendable, Codable {
        /// In no aggregator.
        case detached
        /// Chosen, and waits for others to come in at the same time.
        case waiting
        /// In the aggregator, and waits for the far end.
        case attached
        /// Takes frames (independent control).
        case collecting
        /// Takes and sends frames (independent control).
        case distributing
        /// Takes and sends frames (coupled control).
        case collectingDistributing
    }

    /// The states of a churn machine (6.4.17).
    public enum Churn: String, Sendable, Codable {
        /// Out of sync, for less than a minute.
        case monitor
        /// In sync.
        case none
        /// Out of sync for a minute: the two ends do not come to terms.
        case churning
    }

    /// Whether the link works.
    public var isEnabled: Bool
    /// This end as it describes itself.
    public var actor: LACPParticipant
    /// The far end as it described itself last, or what is assumed of it.
    public var partner: LACPParticipant
    /// The state of the receive machine.
    public var receive: Receive
    /// The state of the periodic machine.
    public var periodic: Periodic
    /// The state of the mux machine.
    public var mux: Mux
    /// Whether the port belongs to the aggregator.
    public var isSelected: Bool
    /// Whether this end is out of sync for too long.
    public var actorChurn: Churn
    /// Whether the far end is.
    public var partnerChurn: Churn

    /// Whether frames that come in are taken.
    public var isCollecting: Bool { actor.state.contains(.collecting) }
    /// Whether frames are sent.
    public var isDistributing: Bool { actor.state.contains(.distributing) }
    /// Whether both ends take and send frames.
    public var isUp: Bool {
        let both: LACPState = [.synchronization, .collecting, .distributing]
        return actor.state.isSuperset(of: both) && partner.state.isSuperset(of: both)
    }
}
