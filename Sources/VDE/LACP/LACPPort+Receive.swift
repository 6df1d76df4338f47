import LabEvents

/// The receive machine (IEEE 802.1AX-2014, 6.4.12, figure 6-18).
extension LACPPort {
    /// One transition, if there is one to make.
    mutating func stepReceive(at now: Duration) -> Bool {
        switch receive {
        case .initialize:
            enter(.portDisabled, at: now)
        case .portDisabled where hasMoved:
            enter(.initialize, at: now)
        case .portDisabled where isEnabled:
            enter(.expired, at: now)
        case .expired where !isEnabled, .defaulted where !isEnabled, .current where !isEnabled:
            enter(.portDisabled, at: now)
        case .expired where timers.currentWhile.isOver(at: now):
            enter(.defaulted, at: now)
        case .current where timers.currentWhile.isOver(at: now):
            enter(.expired, at: now)
        default:
            return false
        }
        return true
    }

    /// Takes a LACPDU: the way to CURRENT, from all states of a port that works.
    mutating func hear(_ unit: LACPDU, at now: Duration) {
        guard isEnabled else { return }
        // What became due before it came was so at its time.
        while stepReceive(at: now) {}
        if !unit.actor.isSameLink(as: partner) { selection = .unselected }
        updateNeed(unit)
        record(unit)
        receive = .current
        timers.currentWhile = now + timeout
        actor.state.remove(.expired)
    }

    mutating func enter(_ state: LACPPortStatus.Receive, at now: Duration) {
        receive = state
        timers.currentWhile = nil
        switch state {
        case .initialize:
            selection = .unselected
            recordDefault()
            actor.state.remove(.expired)
            hasMoved = false
        case .portDisabled:
            partner.state.remove(.synchronization)
        case .expired:
            partner.state.remove(.synchronization)
            partner.state.insert(.shortTimeout)
            timers.currentWhile = now + settings.times.shortTimeout
            actor.state.insert(.expired)
        case .defaulted:
            if !settings.assumedPartner.isSameLink(as: partner) { selection = .unselected }
            recordDefault()
            actor.state.remove(.expired)
        case .current:
            break
        }
    }

    private var timeout: Duration {
        actor.state.contains(.shortTimeout) ? settings.times.shortTimeout : settings.times.longTimeout
    }

    /// recordDefault (6.4.9), but that the assumed far end is not in sync: an end that nobody answers is in no aggregator here, and is said to
    /// churn.
    private mutating func recordDefault() {
        partner = settings.assumedPartner
        actor.state.insert(.defaulted)
    }

    /// recordPDU (6.4.9): the far end is in sync when it says so, means this link or one that stays alone, and one of the two keeps
    /// speaking.
    private mutating func record(_ unit: LACPDU) {
        partner = unit.actor
        actor.state.remove(.defaulted)
        let isKeptUp =
            unit.actor.state.contains(.activity) || (actor.state.contains(.activity) && unit.partner.state.contains(.activity))
        let isMeant = unit.partner.isSameLink(as: actor) || !unit.actor.state.contains(.aggregation)
        if !isKeptUp || !isMeant { partner.state.remove(.synchronization) }
    }

    /// update_NTT (6.4.9): the far end has an old idea of this one.
    private mutating func updateNeed(_ unit: LACPDU) {
        let compared: LACPState = [.activity, .shortTimeout, .synchronization, .aggregation]
        if !unit.partner.isSameLink(as: actor) || unit.partner.state.intersection(compared) != actor.state.intersection(compared) {
            needsToTransmit = true
        }
    }
}
