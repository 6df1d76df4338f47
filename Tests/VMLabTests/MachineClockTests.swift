import Foundation
import LabEvents
import QEMU
import Testing
import VDE

@testable import VMLab

@Suite("A machine's own clock", .tier(.unit))
struct MachineClockTests {
    @Test("It runs with the processors, also under the next owner")
    func turns() {
        let events = EventHistory<GuestEvent>()
        func say(_ seconds: Double, _ kind: GuestEvent.Kind) {
            events.append(GuestEvent(time: Date(timeIntervalSince1970: seconds), kind: kind))
        }
        say(1000, .resumed)
        say(1001, .reset(boot: 2, byGuest: true, reason: nil))
        say(1010, .paused(reason: "paused"))
        say(1050.5, .resumed)
        let clock = MachineClock(events: events)
        #expect(
            clock.starts == [
                .init(machine: 0, host: 1_000_000_000_000), .init(machine: 10_000_000_000, host: 1_050_500_000_000),
            ])
        let later = EventHistory<GuestEvent>()
        later.append(GuestEvent(time: Date(timeIntervalSince1970: 1060.5), kind: .panicked(action: "pause")))
        later.append(GuestEvent(time: Date(timeIntervalSince1970: 1061), kind: .resumed))
        #expect(MachineClock(before: clock.turns, events: later).starts.last == .init(machine: 20_000_000_000, host: 1_061_000_000_000))
        #expect(MachineClock().starts.isEmpty)
    }
}
