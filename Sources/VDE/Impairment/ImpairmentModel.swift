/// A direction of a link with two ends.
public enum LinkDirection: String, Sendable, Hashable, Codable, CaseIterable {
    /// From the first end to the second.
    case forward
    /// From the second end to the first.
    case backward
}

/// What is done to one frame.
public struct ImpairmentDecision: Sendable, Hashable {
    /// Why a frame is lost.
    public enum Loss: Sendable, Hashable {
        /// By itself.
        case single
        /// In a burst.
        case burst
    }

    /// Whether it is lost, and why; nothing else is done to it then.
    public var loss: Loss?
    /// Whether it comes twice.
    public var isDuplicated = false
    /// The bit that is turned, as a number that is taken modulo the bits of the frame that may be; nil for none.
    public var corruption: UInt64?
    /// Whether it is held back.
    public var isReordered = false
    /// How long it takes, without what it waits for the rate and for frames before it.
    public var delay: Duration = .zero
}

/// What is done to each frame of a direction: a pure function of the seed, the cable's name, the direction and the frame's index. What
/// depends on time (whether a queue is full) is not decided here.
///
/// Each question has a sequence of its own, so another answer to one (more loss) changes no other (which frames come twice).
public struct ImpairmentModel: Sendable {
    /// The questions that chance answers.
    private enum Question: UInt64, CaseIterable {
        case loss, burst, burstStart, duplication, corruption, bit, reordering, jitter
    }

    /// What is asked for.
    public let impairments: Impairments
    private let keys: [UInt64]
    /// The last index whose burst state was asked for, and that: the next one needs one step.
    private var last: (index: UInt64, isBad: Bool)?

    /// A model for one direction.
    public init(_ impairments: Impairments, seed: UInt64, cable: String, direction: LinkDirection) {
        self.impairments = impairments
        // FNV-1a, then mixed; the name and the seed each change every bit.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in cable.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let key = Self.mix(Self.mix(hash) ^ seed) ^ (direction == .forward ? 0 : 0xA5A5_5A5A_C3C3_3C3C)
        keys = Question.allCases.map { Self.mix(key &+ ($0.rawValue + 1) &* 0x9E37_79B9_7F4A_7C15) }
    }

    /// What is done to a frame.
    ///
    /// - Parameter index: how many frames came before it.
    public func decision(for index: UInt64) -> ImpairmentDecision {
        decision(for: index, isBad: impairments.burstLoss.map { isBad(index, $0, from: nil) } ?? false)
    }

    /// The same; faster for a frame that follows the one before.
    mutating func nextDecision(for index: UInt64) -> ImpairmentDecision {
        guard let burstLoss = impairments.burstLoss else { return decision(for: index, isBad: false) }
        let isBad = isBad(index, burstLoss, from: last)
        last = (index, isBad)
        return decision(for: index, isBad: isBad)
    }

    private func decision(for index: UInt64, isBad: Bool) -> ImpairmentDecision {
        var decision = ImpairmentDecision()
        if isBad {
            decision.loss = .burst
            return decision
        }
        if happens(.loss, impairments.loss, index) {
            decision.loss = .single
            return decision
        }
        decision.isDuplicated = happens(.duplication, impairments.duplication, index)
        if happens(.corruption, impairments.corruption, index) { decision.corruption = number(.bit, index) }
        if let reordering = impairments.reordering { decision.isReordered = happens(.reordering, reordering.fraction, index) }
        decision.delay = impairments.delay
        if impairments.jitter != .zero { decision.delay += impairments.jitter * (2 * fraction(.jitter, index) - 1) }
        return decision
    }

    /// Whether the link is bad for a frame.
    ///
    /// One number for each frame moves both states: a low one makes either bad, a high one makes either good, the others leave it as it is.
    /// So it is known without the past from the last low or high number on, which is about a burst's length back.
    private func isBad(_ index: UInt64, _ burstLoss: Impairments.BurstLoss, from last: (index: UInt64, isBad: Bool)?) -> Bool {
        var place = index
        while true {
            if let last, last.index == place { return last.isBad }
            let number = fraction(.burst, place)
            if place == 0 { return fraction(.burstStart, 0) < burstLoss.fraction }
            if number < burstLoss.beginning { return true }
            if number >= 1 - burstLoss.ending { return false }
            place -= 1
        }
    }

    private func happens(_ question: Question, _ probability: Double, _ index: UInt64) -> Bool {
        probability > 0 && fraction(question, index) < probability
    }

    /// From 0 to less than 1, in steps of 2^-53.
    private func fraction(_ question: Question, _ index: UInt64) -> Double { Double(number(question, index) >> 11) * 0x1p-53 }

    private func number(_ question: Question, _ index: UInt64) -> UInt64 {
        Self.mix(keys[Int(question.rawValue)] ^ Self.mix(index &+ 0x9E37_79B9_7F4A_7C15))
    }

    /// The finisher of SplitMix64 (Steele, Lea and Flood 2014): each bit of the result depends on each bit of the number.
    private static func mix(_ number: UInt64) -> UInt64 {
        var bits = number
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
