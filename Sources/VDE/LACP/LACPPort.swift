import LabEvents

/// The end of one link that may be aggregated: the state machines of IEEE 802.1AX-2014, 6.4.12 to 6.4.17, as a value. It has no clock and no
/// thread: whoever owns it says what happened and when, does what it asks for, and comes again at ``nextDeadline``.
///
/// Times are durations since any fixed moment, and never go back.
struct LACPPort: Sendable {
    /// What a port is told.
    enum Event: Sendable, Hashable {
        /// The link works, or does not (port_enabled).
        case enabled(Bool)
        /// The far end said something.
        case received(LACPDU)
        /// The far end of this disabled port was heard at another port (port_moved).
        case moved
        /// The selection logic decided.
        case selected(Selection)
        /// All ports that wait for the aggregator have waited long enough (Ready).
        case ready(Bool)
        /// Nothing but that time passed.
        case time
    }

    /// What a port asks for.
    enum Action: Sendable, Hashable {
        /// Send this.
        case transmit(LACPDU)
        /// Something that can be observed is another than before.
        case changed(LACPPortStatus)
    }

    /// Whether the port belongs to the aggregator (Selected).
    enum Selection: String, Sendable, Hashable, Codable {
        case unselected, standby, selected
    }

    let settings: LACPSettings
    /// This end, with its state as it is.
    var actor: LACPParticipant
    /// The far end, as it was heard last or is assumed.
    var partner: LACPParticipant
    var isEnabled = false
    var hasMoved = false
    var selection = Selection.unselected
    var isReady = false
    /// Whether the wait for other ports is over (Ready_N).
    var hasWaited = false
    var needsToTransmit = false
    var receive = LACPPortStatus.Receive.initialize
    var periodic = LACPPortStatus.Periodic.none
    var mux = LACPPortStatus.Mux.detached
    var actorChurn = LACPPortStatus.Churn.monitor
    var partnerChurn = LACPPortStatus.Churn.monitor
    /// The deadlines of the timers that run.
    var timers = Timers()
    /// When the last LACPDUs were sent, within one fast period.
    var transmissions: [Duration] = []

    struct Timers: Sendable {
        var currentWhile: Duration?
        var periodic: Duration?
        var waitWhile: Duration?
        var actorChurn: Duration?
        var partnerChurn: Duration?
    }

    /// A port that is not yet enabled (BEGIN).
    init(_ settings: LACPSettings, at now: Duration) {
        self.settings = settings
        actor = settings.actor
        partner = settings.assumedPartner
        enter(.initialize, at: now)
        timers.actorChurn = now + settings.times.churnDetection
        timers.partnerChurn = timers.actorChurn
    }

    /// What can be observed.
    var status: LACPPortStatus {
        LACPPortStatus(
            isEnabled: isEnabled, actor: actor, partner: partner, receive: receive, periodic: periodic, mux: mux,
            isSelected: selection == .selected, actorChurn: actorChurn, partnerChurn: partnerChurn)
    }

    /// Whether a far end was heard, and not too long ago: then selection has something to go by.
    var hasPartner: Bool { isEnabled && (receive == .current || receive == .expired) && !actor.state.contains(.defaulted) }

    /// When the port must be told that time passed, if nothing happens before; nil for never.
    var nextDeadline: Duration? {
        let limit = needsToTransmit ? transmissions.first.map { $0 + settings.times.fastPeriod } : nil
        return [timers.currentWhile, timers.periodic, timers.waitWhile, timers.actorChurn, timers.partnerChurn, limit].compactMap { $0 }
            .min()
    }

    /// Takes what happened, and what the time that passed brings with it.
    mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        let before = status
        switch event {
        case .enabled(let isEnabled): self.isEnabled = isEnabled
        case .received(let unit): hear(unit, at: now)
        case .moved: hasMoved = receive == .portDisabled
        case .selected(let selection): self.selection = selection
        case .ready(let isReady): self.isReady = isReady
        case .time: break
        }
        // Each machine's step may be another one's reason; none can go round for ever, because every cycle has a timer in it.
        while stepReceive(at: now) || stepPeriodic(at: now) || stepMux(at: now) || stepChurn(at: now) {}
        var actions = transmit(at: now).map { [Action.transmit($0)] } ?? []
        if status != before { actions.append(.changed(status)) }
        return actions
    }
}

/// What a port is made of.
struct LACPSettings: Sendable, Hashable {
    /// How the mux machine treats the two directions (6.4.15).
    enum Control: Sendable, Hashable {
        /// Both at once, as Linux has it.
        case coupled
        /// Frames are sent only when the far end says that it takes them.
        case independent
    }

    /// This end with the state bits that it starts with: activity, timeout, aggregation.
    var actor: LACPParticipant
    /// What is assumed of a far end that was not heard (the administrative partner values).
    var assumedPartner = LACPParticipant.none
    var control = Control.independent
    var times = LACPTimes()

    init(
        system: LACPSystem, key: UInt16 = 1, port: UInt16, rate: LACPRate = .slow, isActive: Bool = true, canAggregate: Bool = true,
        control: Control = .independent, times: LACPTimes = LACPTimes()
    ) {
        var state: LACPState = []
        if isActive { state.insert(.activity) }
        if rate == .fast { state.insert(.shortTimeout) }
        if canAggregate { state.insert(.aggregation) }
        actor = LACPParticipant(system: system, key: key, port: port, state: state)
        (self.control, self.times) = (control, times)
    }
}

extension Duration? {
    /// Whether a timer ran and is over.
    func isOver(at now: Duration) -> Bool { self.map { $0 <= now } ?? false }
}
