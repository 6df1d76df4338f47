import Foundation
import Testing

/// What cables do to frames, as guests measure it.
@Suite("Impairments seen by guests", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct ImpairedGuestTests {
    @Test("50 ± 10 ms, 5 %, 10 Mbit/s, and 20 Mbit/s with 30 ± 5 ms and 1 %: pings and a flood of datagrams show what was asked for")
    func measured() async throws {
        try await CommandLine.with { command in
            let link = try await GuestLink.start(command, "--cables")
            let plain = try await link.pings(200, every: "0.02").mean

            let delayed = try await link.impaired("--delay", "50", "--jitter", "10") { try await link.pings(200, every: "0.05") }
            print("50 ± 10 ms: mean \(delayed.mean), \(delayed.min() ?? 0) to \(delayed.max() ?? 0) ms; without \(plain) ms")
            #expect(delayed.count == 200)
            // The mean of 200 evenly spread values of ±10 ms has a standard deviation of 0.4 ms. A guest is never early, but may be late.
            #expect((48...62).contains(delayed.mean - plain))
            #expect(delayed.allSatisfy { $0 >= 40 })
            #expect((delayed.max() ?? 0) - (delayed.min() ?? 0) > 12, "the jitter does not show")

            let lossy = try await link.impaired("--loss", "5") { try await link.pings(1000, every: "0.01") }
            print("5 %: \(1000 - lossy.count) of 1000 lost")
            // Binomial, n = 1000, p = 0.05: 50 ± 5 standard deviations of 6.9.
            #expect((16...84).contains(1000 - lossy.count))

            let slow = try await link.impaired("--rate", "10") { try await link.flood() }
            print("10 Mbit/s: \(slow.offered) Mbit/s offered, \(slow.arrived) Mbit/s came")
            // The cable's rate is exact; the guest's clock and its sleep are not quite, and the switch drops frames when the host is busy.
            #expect(slow.offered > 20 && (8...10.3).contains(slow.arrived))

            let (pings, flood) = try await link.impaired("--rate", "20", "--delay", "30", "--jitter", "5", "--loss", "1") {
                (try await link.pings(1000, every: "0.01"), try await link.flood())
            }
            print(
                "20 Mbit/s, 30 ± 5 ms, 1 %: mean \(pings.mean) ms, \(1000 - pings.count) of 1000 lost; \(flood.offered) Mbit/s offered, "
                    + "\(flood.arrived) Mbit/s came, \(flood.lost) of \(flood.given) frames lost")
            // At 10 ms between pings a frame seldom waits for the one before. Binomial, n = 1000, p = 0.01: 10 + 5 standard deviations of 3.1.
            #expect((28...42).contains(pings.mean - plain))
            #expect((1...26).contains(1000 - pings.count))
            #expect(flood.offered > 40 && (16...20.6).contains(flood.arrived))
            let deviation = (Double(flood.given) * 0.01 * 0.99).squareRoot()
            #expect(abs(Double(flood.lost) - Double(flood.given) * 0.01) < 5 * deviation)
        }
    }

    @Test("Guests transfer through cables at least 0.8 times as much as without")
    func throughput() async throws {
        try await TwoWays.with { ways in
            let ratios = try await ways.pairs(12).map { $0.cabled / $0.plain }.sorted()
            let median = (ratios[5] + ratios[6]) / 2
            print("throughput with cables: median \(median) of that without, \(ratios[0]) to \(ratios[11])")
            #expect(median >= 0.8)
        }
    }
}
