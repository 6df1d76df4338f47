import LabEvents

/// The periodic machine (IEEE 802.1AX-2014, 6.4.13) and the transmit machine (6.4.16).
extension LACPPort {
    /// One transition of the periodic machine, if there is one to make.
    mutating func stepPeriodic(at now: Duration) -> Bool {
        let wanted: LACPPortStatus.Periodic
        if !isEnabled || !(actor.state.contains(.activity) || partner.state.contains(.activity)) {
            wanted = .none
        } else {
            wanted = partner.state.contains(.shortTimeout) ? .fast : .slow
        }
        let isOver = timers.periodic.isOver(at: now)
        guard wanted != periodic || isOver else { return false }
        // PERIODIC_TX is between the states: it is passed when the time is over, and when slow becomes fast.
        if wanted != .none, isOver || (periodic == .slow && wanted == .fast) { needsToTransmit = true }
        periodic = wanted
        switch wanted {
        case .none: timers.periodic = nil
        case .fast: timers.periodic = now + settings.times.fastPeriod
        case .slow: timers.periodic = now + settings.times.slowPeriod
        }
        return true
    }

    /// What is to be sent now; at most three units in a fast period, the need is kept until then.
    mutating func transmit(at now: Duration) -> LACPDU? {
        guard needsToTransmit else { return nil }
        guard periodic != .none else {
            needsToTransmit = false
            return nil
        }
        transmissions.removeAll { $0 + settings.times.fastPeriod <= now }
        guard transmissions.count < settings.times.transmitLimit else { return nil }
        transmissions.append(now)
        needsToTransmit = false
        return LACPDU(actor: actor, partner: partner)
    }
}
