import LabEvents
import Phases
import VDE
import VMLab

/// A constraint on what a node sends, and what a peer must then measure.
struct NetworkConstraint: Sendable {
    /// What two nodes measured.
    struct Measurement: Sendable {
        var pings: PingReport
        /// What came of more than the network takes, in Mbit/s.
        var megabits: Double

        /// The mean round trip in ms.
        var milliseconds: Double { (pings.meanRoundTrip ?? .zero).seconds * 1000 }
        var text: String {
            "mean \(milliseconds.rounded(to: 1)) ms, \(pings.lost) of \(pings.sent) lost, \(megabits.rounded(to: 1)) Mbit/s"
        }
    }

    /// What the phase is called.
    var name: String
    var impairments: Impairments

    /// Those that the users of an edge platform test with.
    static let usual = [
        NetworkConstraint(name: "delay", impairments: Impairments(delay: .milliseconds(50), jitter: .milliseconds(10))),
        NetworkConstraint(name: "loss", impairments: Impairments(loss: 0.05)),
        NetworkConstraint(name: "rate", impairments: Impairments(rate: .init(bitsPerSecond: 10_000_000))),
        NetworkConstraint(
            name: "all of them",
            impairments: Impairments(
                delay: .milliseconds(30), jitter: .milliseconds(5), loss: 0.01, rate: .init(bitsPerSecond: 20_000_000))),
    ]

    /// What is not as the constraint has it, in words.
    ///
    /// - Parameters:
    ///   - baseline: what the same nodes measured without it.
    ///   - pace: of the host: a guest without KVM that shares its processor comes late, and never early.
    func differences(of found: Measurement, from baseline: Measurement, pace: Double) -> [String] {
        delayDifferences(found, baseline, pace) + lossDifferences(found) + rateDifferences(found, baseline)
    }

    private func delayDifferences(_ found: Measurement, _ baseline: Measurement, _ pace: Double) -> [String] {
        let (delay, jitter) = (impairments.delay.seconds * 1000, impairments.jitter.seconds * 1000)
        var words: [String] = []
        let added = found.milliseconds - baseline.milliseconds
        // The mean of n evenly spread values of ±j has a standard deviation of j / √(3n).
        let deviation = jitter / (3 * Double(max(1, found.pings.roundTrips.count))).squareRoot()
        let slack = 12 * max(1, pace)
        if added < delay - 5 * deviation - baseline.milliseconds || added > delay + 5 * deviation + slack {
            words.append("the mean round trip is \(added.rounded(to: 1)) ms longer, not \(delay) ms")
        }
        let trips = found.pings.roundTrips.map { $0.seconds * 1000 }
        guard delay > 0, let least = trips.min(), let most = trips.max() else { return words }
        if least < delay - jitter { words.append("one answer came after \(least.rounded(to: 1)) ms, before it could") }
        if most - least < 1.2 * jitter {
            words.append("answers took \(least.rounded(to: 1)) to \(most.rounded(to: 1)) ms: no jitter shows")
        }
        return words
    }

    private func lossDifferences(_ found: Measurement) -> [String] {
        let (sent, share) = (Double(found.pings.sent), impairments.loss)
        let expected = sent * share
        // Binomial: four standard deviations; none at all is not among them where that is as seldom. Without the constraint a busy host may lose a few.
        let slack = share > 0 ? 4 * (expected * (1 - share)).squareRoot() : 0.005 * sent
        let isNoneLost = found.pings.lost == 0 && expected >= 9
        guard isNoneLost || abs(Double(found.pings.lost) - expected) > slack else { return [] }
        return ["\(found.pings.lost) of \(found.pings.sent) pings were lost, not \(expected.rounded(to: 0))"]
    }

    private func rateDifferences(_ found: Measurement, _ baseline: Measurement) -> [String] {
        guard let rate = impairments.rate else { return Self.slower(found, baseline) }
        // The cable's rate is exact. What waited for a guest that had no processor comes at once, and counts with what comes then.
        let megabits = Double(rate.bitsPerSecond) / 1_000_000
        guard baseline.megabits > 1.25 * megabits else {
            return ["without it only \(baseline.megabits.rounded(to: 1)) Mbit/s came, which is too little to show it"]
        }
        let isMet = (0.8 * megabits * (1 - impairments.loss)...1.1 * megabits).contains(found.megabits)
        return isMet ? [] : ["\(found.megabits.rounded(to: 1)) Mbit/s came, not \(megabits)"]
    }

    /// A busy host gives two guests now more and now less; that they have become much slower is another matter.
    private static func slower(_ found: Measurement, _ baseline: Measurement) -> [String] {
        guard found.megabits < 0.25 * baseline.megabits else { return [] }
        return ["\(found.megabits.rounded(to: 1)) Mbit/s came, and \(baseline.megabits.rounded(to: 1)) before"]
    }

    /// No constraint: what must be measured again afterwards.
    static let none = NetworkConstraint(name: "none", impairments: Impairments())
}
