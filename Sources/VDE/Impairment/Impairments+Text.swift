extension Impairments: CustomStringConvertible {
    /// What is impaired, such as `delay 30 ± 5 ms, loss 1 %`; `nothing` when frames pass as they come.
    public var description: String {
        var words: [String] = []
        func percent(_ fraction: Double) -> String { "\(Self.short(fraction * 100)) %" }
        func milliseconds(_ time: Duration) -> String {
            Self.short(Double(time.components.seconds) * 1e3 + Double(time.components.attoseconds) / 1e15)
        }
        if jitter != .zero {
            words.append("delay \(milliseconds(delay)) ± \(milliseconds(jitter)) ms")
        } else if delay != .zero {
            words.append("delay \(milliseconds(delay)) ms")
        }
        if loss > 0 { words.append("loss \(percent(loss))") }
        if let burstLoss { words.append("loss \(percent(burstLoss.fraction)) in bursts of \(Self.short(burstLoss.meanLength))") }
        if duplication > 0 { words.append("duplicates \(percent(duplication))") }
        if corruption > 0 { words.append("corrupt \(percent(corruption))") }
        if let reordering { words.append("reordered \(percent(reordering.fraction)) by \(reordering.places)") }
        if let rate {
            words.append("\(Self.short(Double(rate.bitsPerSecond) / 1e6)) Mbit/s")
            if queue != QueueLimit() { words.append("queue of \(queue.frames) frames") }
        }
        return words.isEmpty ? "nothing" : words.joined(separator: ", ")
    }

    /// At most three decimal places, without zeros at the end.
    private static func short(_ number: Double) -> String {
        let rounded = (number * 1000).rounded() / 1000
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}
