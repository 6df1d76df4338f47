import Foundation
import Testing

@testable import QEMU

@Suite(.tier(.unit)) struct PaceTests {
    @Test(arguments: [(0.0, 1.0), (0.05, 1), (0.15, 1), (0.3, 2), (1.5, 10), (5, 20), (600, 20)])
    func `pace is the probe's time over the reference, within limits`(seconds: Double, pace: Double) {
        let result = ProbeResult(accelerator: .tcg, verdict: .usable, seconds: seconds)
        #expect(abs(result.pace - pace) < 0.000_1)
    }

    @Test func `each accelerator has its own reference`() {
        #expect(abs(ProbeResult(accelerator: .kvm, verdict: .usable, seconds: 0.3).pace - 3) < 0.000_1)
    }

    @Test func `a result that an earlier version kept has a pace`() throws {
        let kept = #"{"seconds":0.2,"accelerator":"kvm","verdict":{"usable":{}}}"#
        let result = try JSONDecoder().decode(ProbeResult.self, from: Data(kept.utf8))
        #expect(abs(result.pace - 2) < 0.000_1)
    }
}
