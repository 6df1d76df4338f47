import LabEvents
import Testing

@testable import VDE

/// What a link aggregation decides, without sockets and with a time of its own.
@Suite("Link aggregation: decisions", .tier(.unit)) struct LinkAggregationCoreTests {
    private let bond = LACPSystem(address: .numbered(2))

    private func make(_ legs: Int = 2) -> LinkAggregationCore {
        var core = LinkAggregationCore(
            legs: legs, system: LACPSystem(address: .numbered(1)), key: 1, rate: .fast, seed: 3, at: .zero)
        core.setSwitch(.up, at: .zero)
        return core
    }

    /// Lets the partner agree on all legs.
    private func agree(_ core: inout LinkAggregationCore, from start: Duration) -> Duration {
        for step in 0..<8 {
            let now = start + .milliseconds(step * 500)
            core.handleTime(at: now)
            for leg in core.carriers.indices {
                let far = LACPParticipant(
                    system: bond, key: 9, port: UInt16(leg + 1),
                    state: [.activity, .aggregation, .synchronization, .collecting, .distributing])
                _ = receive(&core, LACPDU(actor: far, partner: core.status.legs[leg].port.actor).bytes, leg, now)
            }
        }
        return start + .seconds(4)
    }

    private func receive(
        _ core: inout LinkAggregationCore, _ unit: [UInt8], _ leg: Int, _ now: Duration
    ) -> LinkAggregationCore.Verdict {
        SlowProtocol.frame(from: .numbered(2), unit).withUnsafeBytes { core.receive($0, from: leg, at: now) }
    }

    private let frame = EthernetFrame(source: .numbered(7), ethertype: 0x0806, payload: []).bytes

    @Test func `carrier, guest and switch each take legs out of use at once`() {
        var core = make()
        let now = agree(&core, from: .zero)
        #expect(core.distributing == [0, 1] && core.status.isUp && core.status.partner == bond)
        #expect(frame.withUnsafeBytes { core.receive($0, from: 0, at: now) } == .forward)
        core.setCarrier(0, false, at: now)
        #expect(core.distributing == [1])
        #expect(frame.withUnsafeBytes { core.receive($0, from: 0, at: now) } == .drop)
        #expect(frame.withUnsafeBytes { core.distribute($0) } == 1)
        core.setGuest(1, .guestGone, at: now)
        #expect(core.distributing == [] && frame.withUnsafeBytes { core.distribute($0) } == nil)
        core.setGuest(1, .guestBack, at: now)
        core.setCarrier(0, true, at: now)
        let later = agree(&core, from: now)
        #expect(core.status.isUp)
        core.setSwitch(.switchGone, at: later)
        #expect(core.distributing == [] && core.status.collecting == [])
        _ = core.takeOutput()
        core.handleTime(at: later + .seconds(10))
        #expect(core.takeOutput().replies == [], "a switch that is down says nothing")
        core.setSwitch(.reconnected, at: later + .seconds(10))
        _ = agree(&core, from: later + .seconds(10))
        #expect(core.status.isUp)
    }

    @Test func `what changes is told once`() {
        var core = make(1)
        _ = agree(&core, from: .zero)
        let changes = core.takeOutput().changes
        #expect(changes.first == .port(.up) && changes.count { if case .partner = $0 { true } else { false } } == 1)
        var last: LACPPortStatus?
        for case .leg(_, let status) in changes {
            #expect(status != last)
            last = status
        }
        #expect(last == core.status.legs[0].port && core.takeOutput().changes == [])
        core.setCarrier(0, false, at: .seconds(5))
        core.setCarrier(0, false, at: .seconds(6))
        let later = core.takeOutput().changes
        #expect(later.count { $0 == .carrier(0, false) } == 1)
    }

    @Test func `no frames break it, and all are accounted for`() {
        var random = SeededRandom(state: SeededRandom.seed)
        var core = make(3)
        var now = agree(&core, from: .zero)
        var (forwarded, given, undistributed) = (0, 0, 0)
        for _ in 0..<SeededRandom.cases {
            now += .milliseconds(Int.random(in: 0...50, using: &random))
            let leg = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<50, using: &random) {
            case 0: core.setCarrier(leg, Bool.random(using: &random), at: now)
            case 1: core.setGuest(leg, Bool.random(using: &random) ? .guestGone : .guestBack, at: now)
            case 2: core.setSwitch(Bool.random(using: &random) ? .switchGone : .reconnected, at: now)
            case 3: now = agree(&core, from: now)
            default: break
            }
            if core.nextDeadline.isOver(at: now) { core.handleTime(at: now) }
            #expect(core.nextDeadline.map { $0 > now } ?? true)
            let bytes = Self.bytes(&random)
            given += 1
            let isUsed = core.status.legs[leg].port.isCollecting
            if bytes.withUnsafeBytes({ core.receive($0, from: leg, at: now) }) == .forward {
                forwarded += 1
                #expect(isUsed)
            }
            if let target = bytes.withUnsafeBytes({ core.distribute($0) }) {
                #expect(core.status.distributing.contains(target))
            } else {
                undistributed += 1
            }
        }
        let status = core.status
        var counted = 0
        for counters in status.legs.map(\.counters) {
            let dropped = counters.noCarrier + counters.notCollecting + counters.runts
            counted += Int(dropped + counters.slowIgnored + counters.markersAnswered + counters.lacpReceived)
        }
        #expect(forwarded > 0 && undistributed == Int(status.undistributed + status.strayed))
        // What agreed came as LACPDUs, too.
        #expect(counted + forwarded >= given)
    }

    private static func bytes(_ random: inout SeededRandom) -> [UInt8] {
        var bytes = (0..<Int.random(in: 0...130, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard bytes.count > 20 else { return bytes }
        let kinds: [[UInt8]] = [[8, 0, 0x45], [0x86, 0xDD, 0x60], [0x81, 0], [0x88, 0x09, 1, 1, 1, 20], [0x88, 0x09, 2, 1, 1, 16], []]
        let kind = kinds[Int.random(in: 0..<kinds.count, using: &random)]
        bytes.replaceSubrange(12..<(12 + kind.count), with: kind)
        return bytes
    }
}
