import LabEvents
import Testing

@testable import VDE

@Suite("Impairments", .tier(.unit)) struct ImpairmentModelTests {
    private static let count = 100_000

    private let all = Impairments(
        delay: .milliseconds(50), jitter: .milliseconds(10), loss: 0.05, burstLoss: .init(0.1, meanLength: 4), duplication: 0.02,
        corruption: 0.03, reordering: .init(0.1, places: 3))

    private func decisions(
        _ impairments: Impairments, seed: UInt64 = 1, cable: String = "c", direction: LinkDirection = .forward, count: Int = Self.count
    ) -> [ImpairmentDecision] {
        var model = ImpairmentModel(impairments, seed: seed, cable: cable, direction: direction)
        return (0..<UInt64(count)).map { model.nextDecision(for: $0) }
    }

    /// Checks a number of hits of `count` independent draws: 4.5 standard deviations are missed once in 150 000 seeds.
    private func expect(_ hits: Int, of count: Int, fraction: Double, _ name: String) {
        let deviation = (Double(count) * fraction * (1 - fraction)).squareRoot()
        #expect(abs(Double(hits) - Double(count) * fraction) < 4.5 * deviation, "\(name): \(hits) of \(count)")
    }

    @Test func `the same seed decides the same, in whatever order it is asked`() {
        let first = decisions(all, count: 5000)
        #expect(first == decisions(all, count: 5000))
        let model = ImpairmentModel(all, seed: 1, cable: "c", direction: .forward)
        for index in (0..<5000).reversed() { #expect(model.decision(for: UInt64(index)) == first[index]) }
    }

    @Test func `another seed, cable or direction decides otherwise`() {
        let first = decisions(all, count: 2000)
        for other in [
            decisions(all, seed: 2, count: 2000), decisions(all, cable: "d", count: 2000),
            decisions(all, direction: .backward, count: 2000),
        ] {
            // Two independent sequences agree in what is lost alone, at (0.145)² + (0.855)² of the places.
            let agreeing = zip(first, other).filter { ($0.loss != nil) == ($1.loss != nil) }.count
            #expect(Double(agreeing) / 2000 < 0.83)
        }
    }

    @Test func `another answer to one question changes no other`() {
        var more = all
        more.loss = 0.2
        for (one, other) in zip(decisions(all, count: 5000), decisions(more, count: 5000)) where other.loss == nil { #expect(one == other) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `each part is as often as it was asked for`(_ seed: UInt64) {
        let count = Self.count
        let loss = decisions(Impairments(loss: 0.05), seed: seed).filter { $0.loss == .single }.count
        expect(loss, of: count, fraction: 0.05, "loss")
        let found = decisions(
            Impairments(
                delay: .milliseconds(50), jitter: .milliseconds(10), duplication: 0.02, corruption: 0.03, reordering: .init(0.1, places: 3)),
            seed: seed)
        expect(found.filter(\.isDuplicated).count, of: count, fraction: 0.02, "duplication")
        expect(found.filter { $0.corruption != nil }.count, of: count, fraction: 0.03, "corruption")
        expect(found.filter(\.isReordered).count, of: count, fraction: 0.1, "reordering")
        expect(found.filter { $0.isDuplicated && $0.isReordered }.count, of: count, fraction: 0.002, "both")
        // Each tenth of the jitter's span has its tenth of the frames.
        var tenths = [Int](repeating: 0, count: 10)
        for decision in found { tenths[Int((decision.delay.nanoseconds.count - 40_000_000) / 2_000_001)] += 1 }
        for tenth in tenths { expect(tenth, of: count, fraction: 0.1, "jitter") }
    }

    @Test(arguments: [(0.05, 4.0), (0.1, 1.2), (0.3, 20.0), (0.01, 10.0)])
    func `bursts have their fraction and their length`(_ fraction: Double, _ meanLength: Double) {
        let burstLoss = Impairments.BurstLoss(fraction, meanLength: meanLength)
        let isLost = decisions(Impairments(burstLoss: burstLoss)).map { $0.loss == .burst }
        var lengths: [Int] = []
        for (place, lost) in isLost.enumerated() where lost {
            if place > 0, isLost[place - 1] { lengths[lengths.count - 1] += 1 } else { lengths.append(1) }
        }
        // The lengths are geometric: their deviation is that of one, over the root of their number.
        let mean = Double(lengths.reduce(0, +)) / Double(lengths.count)
        let deviation = (meanLength * (meanLength - 1) / Double(lengths.count)).squareRoot()
        #expect(abs(mean - meanLength) < 4.5 * deviation, "mean length \(mean) of \(lengths.count)")
        // A two-state chain with this correlation counts as fewer independent frames.
        let correlation = 1 - burstLoss.beginning - burstLoss.ending
        let independent = Double(Self.count) * (1 - correlation) / (1 + correlation)
        let lost = Double(isLost.filter(\.self).count) / Double(Self.count)
        #expect(abs(lost - fraction) < 4.5 * (fraction * (1 - fraction) / independent).squareRoot(), "lost \(lost)")
    }

    @Test(arguments: [
        Impairments(loss: 1.1), Impairments(loss: -0.1), Impairments(loss: .nan), Impairments(jitter: .milliseconds(1)),
        Impairments(delay: .seconds(-1)), Impairments(delay: .seconds(3600)), Impairments(burstLoss: .init(1, meanLength: 4)),
        Impairments(burstLoss: .init(0.6, meanLength: 1)), Impairments(burstLoss: .init(0.1, meanLength: 0.5)),
        Impairments(reordering: .init(0.1, places: 0)), Impairments(rate: .init(bitsPerSecond: 0)), Impairments(duplication: 2),
        Impairments(rate: .init(bitsPerSecond: 1000, burst: 0)), Impairments(queue: .init(frames: 0)), Impairments(corruption: 7),
    ]) func `what cannot be is refused`(_ impairments: Impairments) {
        let problem = #expect(throws: Problem.self) { try impairments.validate() }
        #expect(problem?.kind == .invalidInput)
    }

    @Test func `what can be is accepted`() throws {
        for impairments in [all, Impairments(), Impairments(loss: 1), Impairments(rate: .init(bitsPerSecond: 10_000_000))] {
            try impairments.validate()
        }
    }
}
