import LabEvents
import Testing
import VDE
import VMLab

@testable import Phases
@testable import Scenarios

@Suite("Network constraints", .tier(.unit)) struct NetworkConstraintTests {
    /// 1000 pings, so many lost, their round trips evenly between two times in ms.
    private func measured(_ trips: ClosedRange<Double>, lost: Int = 0, megabits: Double = 150) -> NetworkConstraint.Measurement {
        let answered = Array(lost..<1000)
        let step = (trips.upperBound - trips.lowerBound) / Double(answered.count - 1)
        return .init(
            pings: PingReport(
                address: "10.0.0.1", interval: .milliseconds(10), sent: 1000, answered: answered,
                roundTrips: answered.indices.map { .seconds((trips.lowerBound + Double($0) * step) / 1000) }),
            megabits: megabits)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var constraint: String
        var trips: ClosedRange<Double> = 1...5
        var lost = 0
        var megabits = 150.0
        /// A part of the only complaint; nil when there is none.
        var says: String?
    }

    static let cases = [
        Case(testDescription: "delay as asked", constraint: "delay", trips: 42...64),
        Case(testDescription: "too short a delay", constraint: "delay", trips: 41...53.5, says: "longer, not 50.0 ms"),
        Case(testDescription: "delay without jitter", constraint: "delay", trips: 52...54, says: "no jitter"),
        Case(testDescription: "too early", constraint: "delay", trips: 35...71, says: "before it could"),
        Case(testDescription: "loss as asked", constraint: "loss", lost: 62),
        Case(testDescription: "no loss", constraint: "loss", lost: 0, says: "0 of 1000 pings were lost, not 50"),
        Case(testDescription: "too much loss", constraint: "loss", lost: 120, says: "120 of 1000"),
        Case(testDescription: "rate as asked", constraint: "rate", megabits: 9.9),
        Case(testDescription: "no rate", constraint: "rate", megabits: 40, says: "40.0 Mbit/s came, not 10.0"),
        Case(testDescription: "all of them", constraint: "all of them", trips: 26...42, lost: 10, megabits: 19.7),
        Case(
            testDescription: "all but the loss", constraint: "all of them", trips: 26...42, megabits: 19.7,
            says: "0 of 1000 pings were lost"),
        Case(testDescription: "recovered", constraint: "none"),
        Case(testDescription: "still lossy", constraint: "none", lost: 10, says: "10 of 1000 pings were lost, not 0"),
        Case(testDescription: "still slow", constraint: "none", trips: 50...52, says: "longer, not 0.0 ms"),
        Case(testDescription: "still narrow", constraint: "none", megabits: 10, says: "10.0 Mbit/s came, and 150.0 before"),
    ]

    @Test("What was measured is compared with the constraint and the baseline", arguments: cases)
    func differences(_ some: Case) throws {
        let constraint = try #require((NetworkConstraint.usual + [.none]).first { $0.name == some.constraint })
        let found = constraint.differences(
            of: measured(some.trips, lost: some.lost, megabits: some.megabits), from: measured(1...5), pace: 1)
        #expect(found.count == (some.says == nil ? 0 : 1), "\(found)")
        if let says = some.says { #expect(found.joined().contains(says), "\(found)") }
    }

    @Test("A baseline below the rate shows nothing, and a busy host is given more time")
    func limits() throws {
        let rate = try #require(NetworkConstraint.usual.first { $0.name == "rate" })
        let found = rate.differences(of: measured(1...5, megabits: 10), from: measured(1...5, megabits: 12), pace: 1)
        #expect(found.joined().contains("too little to show it"))
        let delay = try #require(NetworkConstraint.usual.first { $0.name == "delay" })
        #expect(!delay.differences(of: measured(60...90), from: measured(1...5), pace: 1).isEmpty)
        #expect(delay.differences(of: measured(60...90), from: measured(1...5), pace: 2).isEmpty)
    }
}
