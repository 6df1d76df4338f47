import Foundation
import Testing

@testable import Phases

@Suite("Pings", .tier(.unit)) struct PingTests {
    @Test("What busybox and iputils print is read: numbers, times, copies, complaints, the wrap at 65536")
    func parser() {
        var busybox = PingParser()
        for line in [
            "PING 192.168.1.2 (192.168.1.2): 56 data bytes", "64 bytes from 192.168.1.2: seq=0 ttl=64 time=1.500 ms",
            "64 bytes from 192.168.1.2: seq=3 ttl=64 time=2.500 ms", "64 bytes from 192.168.1.2: seq=3 ttl=64 time=2.600 ms (DUP!)",
            "5 packets transmitted, 2 packets received, 60% packet loss",
        ] { busybox.take(line) }
        #expect(busybox.answered == [0, 3] && busybox.sent == 5)
        #expect(busybox.roundTrips == [.microseconds(1500), .microseconds(2500)])
        var iputils = PingParser()
        for line in [
            "64 bytes from fd00::2: icmp_seq=1 ttl=64 time=0.5 ms", "From 192.168.1.1 icmp_seq=2 Destination Host Unreachable",
            "64 bytes from fd00::2: icmp_seq=4 ttl=64 time=0.5 ms",
        ] { iputils.take(line) }
        #expect(iputils.answered == [0, 3] && iputils.sent == nil)
        var long = PingParser()
        for number in 0..<70_000 { long.take("64 bytes from 10.0.0.1: seq=\(number & 0xFFFF) ttl=64 time=1 ms") }
        #expect(long.answered.count == 70_000 && long.newest == 69_999)
    }

    @Test("Gaps: at the beginning, in the middle and at the end; the longest is the first of equals")
    func gaps() {
        func report(_ answered: [Int], _ sent: Int) -> PingReport {
            PingReport(address: "10.0.0.1", interval: .milliseconds(20), sent: sent, answered: answered, roundTrips: [])
        }
        let some = report([1, 2, 6, 7], 11)
        #expect(some.gaps.map(\.first) == [0, 3, 8] && some.gaps.map(\.count) == [1, 3, 3])
        #expect(some.lost == 7 && some.longestGap?.first == 3 && some.longestGap?.begin == .milliseconds(60))
        #expect(some.longestGap?.duration == .milliseconds(60))
        #expect(some.firstAnswer == .milliseconds(20) && some.lastAnswer == .milliseconds(140))
        #expect("\(some)" == "7 of 11 pings lost, gap 60 ms (3 in a row)")
        #expect(report([0, 1], 2).longestGap == nil && "\(report([0, 1], 2))" == "2 pings, none lost")
        #expect(report([], 3).longestGap?.count == 3 && report([], 3).firstAnswer == nil)
    }
}
