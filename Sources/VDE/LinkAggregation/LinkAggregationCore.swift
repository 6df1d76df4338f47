import LabEvents

/// What a link aggregation decides, without sockets: which frames pass, which leg they take, what LACP answers.
struct LinkAggregationCore: Sendable {
    /// What becomes of a frame that came from a leg.
    enum Verdict: Sendable, Hashable {
        case forward, drop, consumed
    }

    /// A frame of ours to a leg.
    struct Reply: Sendable, Hashable {
        var leg: Int
        var bytes: [UInt8]
    }

    let system: LACPSystem
    let key: UInt16
    private var aggregator: LACPAggregator
    private let hash: FlowHash
    private(set) var carriers: [Bool]
    /// Whether somebody has the guest's socket, as far as is known.
    private var guests: [Bool]
    private(set) var hasSwitch = false
    var counters: [LinkAggregationCounters]
    /// Frames from the switch for which there was no leg.
    private(set) var undistributed: UInt64 = 0
    /// Frames to the switch that it did not take.
    var switchRefused: UInt64 = 0
    /// Frames from the switch that are longer than any that passes.
    var oversized: UInt64 = 0
    /// Frames of the slow protocols from the switch, which are another link's.
    private(set) var strayed: UInt64 = 0
    /// The legs that frames may take, kept so that a frame costs no search.
    private(set) var distributing: [Int] = []
    private(set) var collecting: [Bool]
    /// What is to be sent and told since it was last taken.
    private var replies: [Reply] = []
    private var changes: [LinkAggregationChange] = []

    init(legs: Int, system: LACPSystem, key: UInt16, rate: LACPRate, seed: UInt64, times: LACPTimes = LACPTimes(), at now: Duration) {
        (self.system, self.key) = (system, key)
        aggregator = LACPAggregator(
            (1...UInt16(legs)).map { LACPSettings(system: system, key: key, port: $0, rate: rate, times: times) }, at: now)
        hash = FlowHash(seed: seed)
        carriers = [Bool](repeating: true, count: legs)
        guests = carriers
        collecting = [Bool](repeating: false, count: legs)
        counters = [LinkAggregationCounters](repeating: LinkAggregationCounters(), count: legs)
    }

    var nextDeadline: Duration? { aggregator.nextDeadline }

    var status: LinkAggregationStatus {
        LinkAggregationStatus(
            system: system, key: key, partner: aggregator.group?.system, partnerKey: aggregator.group?.key, hasSwitch: hasSwitch,
            undistributed: undistributed, switchRefused: switchRefused, strayed: strayed, oversized: oversized,
            legs: carriers.indices.map {
                LinkAggregationStatus.Leg(hasCarrier: carriers[$0], port: aggregator.ports[$0].status, counters: counters[$0])
            })
    }

    /// Takes what is to be sent and told.
    mutating func takeOutput() -> (replies: [Reply], changes: [LinkAggregationChange]) {
        defer { (replies, changes) = ([], []) }
        return (replies, changes)
    }

    mutating func handleTime(at now: Duration) {
        let partner = aggregator.group?.system
        apply(aggregator.handleTime(at: now), partner)
    }

    /// A leg gets or loses carrier.
    mutating func setCarrier(_ leg: Int, _ hasCarrier: Bool, at now: Duration) {
        guard carriers[leg] != hasCarrier else { return }
        carriers[leg] = hasCarrier
        changes.append(.carrier(leg, hasCarrier))
        enable(leg, at: now)
    }

    /// Takes what happened to a leg's end. A card that is gone, with its QEMU, is as good as one without carrier.
    mutating func setGuest(_ leg: Int, _ change: LinkEndChange, at now: Duration) {
        changes.append(.guest(leg, change))
        guests[leg] = change != .guestGone
        enable(leg, at: now)
    }

    /// The switch port is joined, or gone. Without it LACP is silent, as it is at a switch that is down, so that the guest takes another way
    /// if it has one.
    mutating func setSwitch(_ change: LinkEndChange, at now: Duration) {
        changes.append(.port(change))
        hasSwitch = change != .switchGone
        for leg in carriers.indices { enable(leg, at: now) }
    }

    /// Decides about a frame from a guest's card.
    mutating func receive(_ frame: UnsafeRawBufferPointer, from leg: Int, at now: Duration) -> Verdict {
        guard carriers[leg] else {
            counters[leg].noCarrier += 1
            return .drop
        }
        guard frame.count >= 14 else {
            counters[leg].runts += 1
            return .drop
        }
        if SlowProtocol.has(frame) {
            consume(frame, leg, at: now)
            return .consumed
        }
        guard collecting[leg] else {
            counters[leg].notCollecting += 1
            return .drop
        }
        return .forward
    }

    /// Chooses the leg for a frame from the switch; nil when it is to be dropped.
    mutating func distribute(_ frame: UnsafeRawBufferPointer) -> Int? {
        if SlowProtocol.has(frame) {
            strayed += 1
            return nil
        }
        // No need to look at the flow.
        if distributing.count == 1 { return distributing[0] }
        let leg = hash.leg(hash.flow(frame), among: distributing)
        if leg == nil { undistributed += 1 }
        return leg
    }

    private mutating func consume(_ frame: UnsafeRawBufferPointer, _ leg: Int, at now: Duration) {
        let unit = Array(frame[14...])
        let isOurs = frame[12] == 0x88 && frame[13] == 0x09
        if isOurs, let unit = try? LACPDU(bytes: unit) {
            counters[leg].lacpReceived += 1
            handle(.received(unit), leg, at: now)
        } else if isOurs, let marker = try? MarkerPDU(bytes: unit), !marker.isResponse {
            counters[leg].markersAnswered += 1
            replies.append(Reply(leg: leg, bytes: SlowProtocol.frame(from: system.address, marker.response.bytes)))
        } else {
            counters[leg].slowIgnored += 1
        }
    }

    private mutating func enable(_ leg: Int, at now: Duration) {
        let isEnabled = carriers[leg] && guests[leg] && hasSwitch
        if aggregator.ports[leg].isEnabled != isEnabled { handle(.enabled(isEnabled), leg, at: now) }
    }

    private mutating func handle(_ event: LACPPort.Event, _ leg: Int, at now: Duration) {
        let partner = aggregator.group?.system
        apply(aggregator.handle(event, port: leg, at: now), partner)
    }

    private mutating func apply(_ outputs: [LACPAggregator.Output], _ partnerBefore: LACPSystem?) {
        guard !outputs.isEmpty else { return }
        for output in outputs {
            switch output.action {
            case .transmit(let unit):
                counters[output.port].lacpSent += 1
                replies.append(Reply(leg: output.port, bytes: SlowProtocol.frame(from: system.address, unit.bytes)))
            case .changed(let status):
                changes.append(.leg(output.port, status))
                collecting[output.port] = status.isCollecting
            }
        }
        distributing = aggregator.distributing
        if aggregator.group?.system != partnerBefore { changes.append(.partner(aggregator.group?.system)) }
    }
}
