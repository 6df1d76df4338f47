import LabEvents
import Testing

@testable import VDE

/// 10 000 frames from host port to host port for each question. What is decided is compared with the pure model, frame by frame; what takes
/// time, with an unimpaired run of the same test.
@Suite("Measurements of cables", .tier(.contract), .timeLimit(.minutes(5))) struct CableMeasurementTests {
    private func model(_ impairments: Impairments, seed: UInt64 = 1, cable: String = "c") -> ImpairmentModel {
        ImpairmentModel(impairments, seed: seed, cable: cable, direction: .forward)
    }

    @Test func `frames are lost, doubled, turned and moved as the model says, and as often as was asked for`() async throws {
        try await CableBench.with { bench in
            let plain = try await bench.run()
            #expect(plain.numbers == Array(0..<10_000))
            #expect(plain.counters.passed == plain.counters.received)

            let loss = Impairments(loss: 0.05)
            let lossy = try await bench.run(loss)
            #expect(lossy.numbers == (0..<10_000).filter { model(loss).decision(for: UInt64($0)).loss == nil })
            // 4.5 deviations of a binomial: 500 ± 98.
            #expect((402...598).contains(lossy.counters.lost.frames))
            #expect(lossy.counters.lost.frames == 10_000 - lossy.numbers.count)

            let bursts = Impairments(burstLoss: .init(0.05, meanLength: 5))
            let bursty = try await bench.run(bursts)
            #expect(bursty.numbers == (0..<10_000).filter { model(bursts).decision(for: UInt64($0)).loss == nil })
            let gaps = zip(bursty.numbers, bursty.numbers.dropFirst()).map { $1 - $0 - 1 }.filter { $0 > 0 }
            let mean = Double(gaps.reduce(0, +)) / Double(gaps.count)
            // Geometric lengths, some hundred of them.
            #expect(abs(mean - 5) < 4.5 * (20 / Double(gaps.count)).squareRoot(), "mean length \(mean) of \(gaps.count)")

            let doubling = Impairments(duplication: 0.02)
            let doubled = try await bench.run(doubling)
            #expect(
                doubled.numbers
                    == (0..<10_000).flatMap { model(doubling).decision(for: UInt64($0)).isDuplicated ? [$0, $0] : [$0] })
            // 200 ± 63.
            #expect((137...263).contains(doubled.counters.duplicated.frames))

            let turning = Impairments(corruption: 0.03)
            let turned = try await bench.run(turning)
            let plainBytes = Dictionary(uniqueKeysWithValues: plain.arrivals.map { ($0.number, $0.bytes) })
            // The number may be what is turned; the place tells.
            let places = turned.arrivals.indices.filter { turned.arrivals[$0].bytes != plainBytes[$0] }
            #expect(places == (0..<10_000).filter { model(turning).decision(for: UInt64($0)).corruption != nil })
            for place in places {
                let bits = zip(turned.arrivals[place].bytes, plainBytes[place] ?? []).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
                #expect(bits == 1)
            }
            // 300 ± 77.
            #expect((223...377).contains(places.count))

            let moving = Impairments(reordering: .init(0.1, places: 3, holdLimit: .seconds(5)))
            let moved = try await bench.run(moving, count: 10_000)
            let keys = (0..<10_000).map { (key: $0 + (model(moving).decision(for: UInt64($0)).isReordered ? 3 : 0), number: $0) }
            #expect(moved.numbers == keys.sorted { ($0.key, $1.number) < ($1.key, $0.number) }.map(\.number))
            // 1000 ± 135.
            #expect((865...1135).contains(moved.counters.reordered.frames))
            print(
                "10 000 frames: lost \(lossy.counters.lost.frames) of 500 asked for; bursts of \(mean) of 5 (\(gaps.count)); "
                    + "doubled \(doubled.counters.duplicated.frames) of 200; turned \(places.count) of 300; "
                    + "moved \(moved.counters.reordered.frames) of 1000")
        }
    }

    @Test func `the same seed does the same twice, another seed other things`() async throws {
        let impairments = Impairments(loss: 0.1, burstLoss: .init(0.05, meanLength: 3), duplication: 0.1)
        let runs = try await ([7, 7, 8] as [UInt64]).asyncMap { seed in
            var numbers: [Int] = []
            try await CableBench.with(seed: seed) { numbers = try await $0.run(impairments, count: 2000).numbers }
            return numbers
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0] != runs[2])
    }

    @Test func `delay and jitter are what was asked for`() async throws {
        try await CableBench.with { bench in
            let plain = try await bench.run().times
            for reorders in [false, true] {
                let impairments = Impairments(delay: .milliseconds(50), jitter: .milliseconds(10), jitterReorders: reorders)
                let trial = try await bench.run(impairments)
                #expect(trial.numbers.sorted() == Array(0..<10_000))
                #expect((trial.numbers == Array(0..<10_000)) == !reorders)
                let asked = trial.numbers.map { Double(model(impairments).decision(for: UInt64($0)).delay.nanoseconds.count) / 1e6 }
                let excess = zip(trial.times, asked).map { $0 - $1 }
                // Never early, by the same clock.
                #expect((excess.min() ?? -1) >= 0)
                if reorders {
                    // The mean of 10 000 even draws over 20 ms deviates by 20 / √12 / 100 ms.
                    #expect(abs(asked.mean - 50) < 4.5 * 0.058)
                    #expect(abs((asked.map { ($0 - 50) * ($0 - 50) }.mean).squareRoot() - 5.77) < 0.15)
                    #expect(excess.quantile(0.5) < max(plain.quantile(0.99), 4 * plain.quantile(0.5)), "\(excess.quantile(0.5))")
                }
                print(
                    "50 ± 10 ms\(reorders ? ", reordering" : ""): \(trial.times.quantile(0.01))…\(trial.times.quantile(0.99)) ms, "
                        + "median \(trial.times.quantile(0.5)), mean \(trial.times.mean), over what was drawn \(excess.quantile(0.5)) in the "
                        + "median; unimpaired \(plain.quantile(0.5)), 99 % \(plain.quantile(0.99))")
            }
        }
    }

    @Test func `a rate is what was asked for`() async throws {
        try await CableBench.with { bench in
            let size = 1000
            let plain = try await bench.run(size: size)
            let span = { (trial: CableTrial) in
                Double(((trial.arrivals.last?.time ?? .zero) - (trial.arrivals.first?.time ?? .zero)).count) / 1e9
            }
            // Half of what this host does without a rate, so that the rate is what limits.
            let rate = Impairments.Rate(bitsPerSecond: Int(Double(9999 * size * 8) / span(plain) / 2))
            let trial = try await bench.run(Impairments(rate: rate, queue: .init(frames: 10_000)), size: size)
            #expect(trial.numbers == Array(0..<10_000))
            // The first three frames are the burst.
            let ideal = Double((9_997 - 1) * size * 8) / Double(rate.bitsPerSecond)
            print("rate: \(rate.bitsPerSecond) bit/s asked for, \(Double(9_999 * size * 8) / span(trial)) measured")
            #expect(span(trial) > ideal - plain.times.quantile(0.99) / 1e3)
            // The host may have got slower than the rate.
            let sending = Double(((trial.sent.last ?? .zero) - (trial.sent.first ?? .zero)).count) / 1e9
            #expect(span(trial) < max(ideal, sending) * 1.05 + plain.times.quantile(0.99) / 1e3)
        }
    }

    @Test func `one way affects one way`() async throws {
        try await CableBench.with { bench in
            try bench.cable.impair(.backward, Impairments(loss: 1))
            #expect(try await bench.run(count: 200).numbers == Array(0..<200))
            for number in 0..<8 { try await bench.ports.b.send(.counted(number)) }
            while bench.cable.counters.backward.received.frames < 8 { await Task.yield() }
            #expect(bench.cable.counters.backward.lost.frames == 8)
            #expect(bench.cable.counters.backward.passed.frames == 0)
            bench.cable.heal()
            try await bench.ports.b.send(.counted(99))
            #expect(try await bench.ports.a.next() == .counted(99))
        }
    }
}

extension Array {
    /// Maps one after the other.
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
