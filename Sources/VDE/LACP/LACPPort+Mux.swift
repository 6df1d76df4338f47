import LabEvents

/// The mux machine (IEEE 802.1AX-2014, 6.4.15, figures 6-21 and 6-22) and the churn machines (6.4.17).
extension LACPPort {
    /// One transition of the mux machine, if there is one to make.
    mutating func stepMux(at now: Duration) -> Bool {
        let isSelected = selection == .selected
        let isInSync = partner.state.contains(.synchronization)
        switch mux {
        case .detached where selection != .unselected:
            enter(.waiting, at: now)
        case .waiting where selection == .unselected:
            enter(.detached, at: now)
        case .waiting where timers.waitWhile.isOver(at: now):
            (hasWaited, timers.waitWhile) = (true, nil)
        case .waiting where isSelected && isReady:
            enter(.attached, at: now)
        case .attached where !isSelected:
            enter(.detached, at: now)
        case .attached where isInSync:
            enter(settings.control == .coupled ? .collectingDistributing : .collecting, at: now)
        case .collecting where !isSelected || !isInSync, .collectingDistributing where !isSelected || !isInSync:
            enter(.attached, at: now)
        case .collecting where partner.state.contains(.collecting):
            enter(.distributing, at: now)
        case .distributing where !isSelected || !isInSync || !partner.state.contains(.collecting):
            enter(.collecting, at: now)
        default:
            return false
        }
        return true
    }

    private mutating func enter(_ state: LACPPortStatus.Mux, at now: Duration) {
        mux = state
        switch state {
        case .detached:
            actor.state.subtract([.synchronization, .collecting, .distributing])
        case .waiting:
            timers.waitWhile = now + settings.times.aggregateWait
        case .attached:
            actor.state.insert(.synchronization)
            actor.state.subtract([.collecting, .distributing])
        case .collecting:
            actor.state.insert(.collecting)
            actor.state.remove(.distributing)
        case .distributing:
            actor.state.insert(.distributing)
        case .collectingDistributing:
            actor.state.formUnion([.collecting, .distributing])
        }
        if state != .waiting { (timers.waitWhile, hasWaited, isReady) = (nil, false, false) }
        // The figure does not ask for it in DISTRIBUTING: a slow far end would show an old state for half a minute.
        if state != .waiting { needsToTransmit = true }
    }

    /// One transition of the churn machines, if there is one to make.
    mutating func stepChurn(at now: Duration) -> Bool {
        let limit = now + settings.times.churnDetection
        let (isActorInSync, isPartnerInSync) = (actor.state.contains(.synchronization), partner.state.contains(.synchronization))
        let isEnabled = isEnabled
        let hasActorStepped = Self.step(
            &actorChurn, &timers.actorChurn, isInSync: isActorInSync, isEnabled: isEnabled, limit: limit, at: now)
        let hasPartnerStepped = Self.step(
            &partnerChurn, &timers.partnerChurn, isInSync: isPartnerInSync, isEnabled: isEnabled, limit: limit, at: now)
        return hasActorStepped || hasPartnerStepped
    }

    private static func step(
        _ churn: inout LACPPortStatus.Churn, _ timer: inout Duration?, isInSync: Bool, isEnabled: Bool, limit: Duration, at now: Duration
    ) -> Bool {
        // A port that does not work has nobody to agree with; its time starts when it works again.
        if !isEnabled, churn != .monitor || timer != nil {
            (churn, timer) = (.monitor, nil)
            return true
        }
        guard isEnabled else { return false }
        switch churn {
        case .monitor where isInSync, .churning where isInSync:
            (churn, timer) = (.none, nil)
        case .monitor where timer == nil, .none where !isInSync:
            (churn, timer) = (.monitor, limit)
        case .monitor where timer.isOver(at: now):
            (churn, timer) = (.churning, nil)
        default:
            return false
        }
        return true
    }
}
