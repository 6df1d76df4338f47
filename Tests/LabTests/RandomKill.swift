import Glibc

/// A signal to a random process of a run at a random time. A number gives the same one again.
struct RandomKill: Sendable {
    enum Victim: String, CaseIterable, Sendable {
        case viewer, owner, watchdog
        case lan = "switch"
        case machine = "QEMU"
    }

    let victim: Victim
    let signal: Int32
    /// From the moment in which the run's id is printed.
    let delay: Duration
    /// Whether the lab is kept; it then is from about 2 s on.
    let isKept: Bool
    let node: String

    var name: String { "\(victim.rawValue) \(KillCase.name(signal))" }

    init(number: UInt64) {
        var random = SplitMix64(state: number)
        victim = Victim.allCases[Int.random(in: 0..<Victim.allCases.count, using: &random)]
        signal = KillCase.signals[Int.random(in: 0..<KillCase.signals.count, using: &random)]
        isKept = Int.random(in: 0..<4, using: &random) == 0
        // A kept lab does not end by itself, and its nodes obey after about 7 s.
        delay = .milliseconds(Int.random(in: 0..<(isKept ? 9000 : 15000), using: &random))
        node = Bool.random(using: &random) ? "a" : "b"
    }
}

/// SplitMix64: small, seeded, the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
