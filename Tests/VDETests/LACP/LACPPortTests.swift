import LabEvents
import Testing

@testable import VDE

/// One port, told by hand what its partner says.
@Suite("LACP: one port", .tier(.unit)) struct LACPPortTests {
    private let far = LACPParticipant(
        system: LACPSystem(address: .numbered(2)), key: 3, port: 1, state: [.activity, .shortTimeout, .aggregation])

    /// What happens, and what can be seen then.
    struct Step: Sendable, CustomTestStringConvertible {
        enum Act: Sendable {
            case enabled(Bool), selected(LACPPort.Selection), ready, time
            /// A LACPDU with these bits added to the partner's, which knows this port as it is, or not at all.
            case hear(LACPState, knows: Bool)
        }

        var seconds: Double
        var act: Act
        var receive: LACPPortStatus.Receive
        var periodic: LACPPortStatus.Periodic
        var mux: LACPPortStatus.Mux
        /// This end's bits besides activity, aggregation and the timeout.
        var bits: LACPState
        /// How many LACPDUs are sent at once.
        var sends: Int
        var testDescription: String { "\(seconds) s: \(act)" }
    }

    struct Course: Sendable, CustomTestStringConvertible {
        var name: String
        var rate = LACPRate.fast
        var isActive = true
        var control = LACPSettings.Control.independent
        var steps: [Step]
        var testDescription: String { name }
    }

    static let both: LACPState = [.synchronization, .collecting]
    static let all: LACPState = [.synchronization, .collecting, .distributing]

    static let courses = [
        Course(
            name: "up, independent control",
            steps: [
                Step(
                    seconds: 0, act: .enabled(true), receive: .expired, periodic: .fast, mux: .detached, bits: [.expired, .defaulted],
                    sends: 0),
                Step(
                    seconds: 0, act: .hear([], knows: false), receive: .current, periodic: .fast, mux: .detached, bits: [],
                    sends: 1),
                Step(seconds: 0.1, act: .selected(.selected), receive: .current, periodic: .fast, mux: .waiting, bits: [], sends: 0),
                // The wait runs out at 2.1 s; until it is told that all have waited, it stays.
                Step(
                    seconds: 2.05, act: .hear([], knows: true), receive: .current, periodic: .fast, mux: .waiting, bits: [], sends: 1),
                Step(
                    seconds: 2.2, act: .ready, receive: .current, periodic: .fast, mux: .attached, bits: .synchronization, sends: 1),
                Step(
                    seconds: 2.3, act: .hear(.synchronization, knows: true), receive: .current, periodic: .fast, mux: .collecting,
                    bits: both, sends: 1),
                Step(
                    seconds: 2.4, act: .hear([.synchronization, .collecting], knows: true), receive: .current, periodic: .fast,
                    mux: .distributing, bits: all, sends: 0),
                Step(
                    seconds: 2.5, act: .hear([.synchronization], knows: true), receive: .current, periodic: .fast, mux: .collecting,
                    bits: both, sends: 0),
                Step(
                    seconds: 3.5, act: .hear([], knows: true), receive: .current, periodic: .fast, mux: .attached,
                    bits: .synchronization, sends: 1),
                Step(seconds: 3.6, act: .selected(.standby), receive: .current, periodic: .fast, mux: .waiting, bits: [], sends: 1),
            ]),
        Course(
            name: "up and silent, coupled control, slow", rate: .slow, control: .coupled,
            steps: [
                Step(
                    seconds: 0, act: .enabled(true), receive: .expired, periodic: .fast, mux: .detached, bits: [.expired, .defaulted],
                    sends: 0),
                Step(
                    seconds: 0, act: .hear(.synchronization, knows: true), receive: .current, periodic: .fast, mux: .detached, bits: [],
                    sends: 0),
                Step(seconds: 0, act: .selected(.selected), receive: .current, periodic: .fast, mux: .waiting, bits: [], sends: 0),
                Step(
                    seconds: 2, act: .ready, receive: .current, periodic: .fast, mux: .collectingDistributing, bits: all, sends: 1),
                Step(seconds: 89, act: .time, receive: .current, periodic: .fast, mux: .collectingDistributing, bits: all, sends: 1),
                Step(
                    seconds: 90, act: .time, receive: .expired, periodic: .fast, mux: .attached, bits: [.synchronization, .expired],
                    sends: 1),
                Step(seconds: 93, act: .time, receive: .defaulted, periodic: .slow, mux: .detached, bits: .defaulted, sends: 1),
            ]),
        Course(
            name: "a partner that is in sync with another link is not in sync with this one",
            steps: [
                Step(
                    seconds: 0, act: .enabled(true), receive: .expired, periodic: .fast, mux: .detached, bits: [.expired, .defaulted],
                    sends: 0),
                Step(
                    seconds: 0, act: .hear([.synchronization, .collecting], knows: false), receive: .current, periodic: .fast,
                    mux: .detached, bits: [], sends: 1),
                Step(seconds: 0, act: .selected(.selected), receive: .current, periodic: .fast, mux: .waiting, bits: [], sends: 0),
                Step(seconds: 2, act: .ready, receive: .current, periodic: .fast, mux: .attached, bits: .synchronization, sends: 1),
                Step(
                    seconds: 2.5, act: .hear([.synchronization, .collecting], knows: true), receive: .current, periodic: .fast,
                    mux: .distributing, bits: all, sends: 1),
            ]),
        Course(
            name: "passive beside a passive partner says nothing", isActive: false,
            steps: [
                Step(
                    seconds: 0, act: .enabled(true), receive: .expired, periodic: .none, mux: .detached, bits: [.expired, .defaulted],
                    sends: 0),
                Step(
                    seconds: 1, act: .hear([], knows: false), receive: .current, periodic: .fast, mux: .detached, bits: [], sends: 1),
                Step(
                    seconds: 2, act: .enabled(false), receive: .portDisabled, periodic: .none, mux: .detached, bits: [], sends: 0),
            ]),
        Course(
            name: "a carrier that goes takes the port out at once",
            steps: [
                Step(
                    seconds: 0, act: .enabled(true), receive: .expired, periodic: .fast, mux: .detached, bits: [.expired, .defaulted],
                    sends: 0),
                Step(
                    seconds: 0, act: .hear([.synchronization, .collecting], knows: true), receive: .current, periodic: .fast,
                    mux: .detached, bits: [], sends: 0),
                Step(seconds: 0, act: .selected(.selected), receive: .current, periodic: .fast, mux: .waiting, bits: [], sends: 0),
                Step(seconds: 2, act: .ready, receive: .current, periodic: .fast, mux: .distributing, bits: all, sends: 1),
                Step(
                    seconds: 2.1, act: .enabled(false), receive: .portDisabled, periodic: .none, mux: .attached, bits: .synchronization,
                    sends: 0),
                Step(
                    seconds: 9, act: .enabled(true), receive: .expired, periodic: .fast, mux: .attached,
                    bits: [.synchronization, .expired], sends: 0),
            ]),
    ]

    @Test(arguments: courses) func `a port goes through the states of the standard`(_ course: Course) {
        var port = LACPPort(
            LACPSettings(
                system: LACPSystem(address: .numbered(1)), port: 9, rate: course.rate, isActive: course.isActive, control: course.control),
            at: .zero)
        for step in course.steps {
            let actions = port.handle(event(step.act, port), at: .seconds(step.seconds))
            let status = port.status
            #expect(status.receive == step.receive, "\(step.testDescription)")
            #expect(status.periodic == step.periodic, "\(step.testDescription)")
            #expect(status.mux == step.mux, "\(step.testDescription)")
            let own: LACPState = [.activity, .shortTimeout, .aggregation]
            #expect(status.actor.state.subtracting(own) == step.bits, "\(step.testDescription)")
            let sent = actions.filter { if case .transmit = $0 { true } else { false } }
            #expect(sent.count == step.sends, "\(step.testDescription)")
        }
    }

    private func event(_ act: Step.Act, _ port: LACPPort) -> LACPPort.Event {
        switch act {
        case .enabled(let isEnabled): return .enabled(isEnabled)
        case .selected(let selection): return .selected(selection)
        case .ready: return .ready(true)
        case .time: return .time
        case .hear(let bits, let knows):
            var unit = LACPDU(actor: far, partner: knows ? port.actor : .none)
            unit.actor.state.formUnion(bits)
            if !port.settings.actor.state.contains(.activity) { unit.actor.state.formUnion(.activity) }
            return .received(unit)
        }
    }

    @Test func `at most three units leave in a second, and the last state is among them`() throws {
        var port = LACPPort(LACPSettings(system: LACPSystem(address: .numbered(1)), port: 9), at: .zero)
        var times: [Duration] = []
        var last: LACPDU?
        func take(_ actions: [LACPPort.Action], _ now: Duration) {
            for case .transmit(let unit) in actions {
                times.append(now)
                last = unit
            }
        }
        take(port.handle(.enabled(true), at: .zero), .zero)
        // A partner that never believes what it hears.
        for tick in 0..<5000 {
            let now = Duration.milliseconds(tick)
            take(port.handle(.received(LACPDU(actor: far, partner: .none)), at: now), now)
        }
        #expect(times.count == 15)
        for (one, fourth) in zip(times, times.dropFirst(3)) { #expect(fourth - one >= .seconds(1)) }
        #expect(last?.partner == port.partner)
    }

    @Test func `a deadline is never one that has passed`() {
        var port = LACPPort(LACPSettings(system: LACPSystem(address: .numbered(1)), port: 9, rate: .fast), at: .zero)
        _ = port.handle(.enabled(true), at: .zero)
        _ = port.handle(.received(LACPDU(actor: far, partner: .none)), at: .zero)
        _ = port.handle(.selected(.selected), at: .zero)
        var now = Duration.zero
        for _ in 0..<300 {
            guard let next = port.nextDeadline else { break }
            #expect(next > now)
            now = next
            _ = port.handle(.time, at: now)
        }
        #expect(now > .seconds(60) && port.actorChurn == .churning)
    }
}
