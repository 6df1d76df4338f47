/// Measurements of one thing: seconds, or a rate.
struct Series: Sendable, Encodable {
    private(set) var values: [Double] = []

    private enum CodingKeys: String, CodingKey {
        case count, lowerQuartile, median, upperQuartile
    }

    mutating func append(_ value: Double) {
        values.append(value)
    }

    mutating func append(_ duration: Duration) {
        values.append(duration / .seconds(1))
    }

    var median: Double { quantile(0.5) }

    /// Linear interpolation between the two nearest values; NaN when there are none.
    func quantile(_ part: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        let position = part * Double(sorted.count - 1)
        let low = Int(position)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (position - Double(low))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(values.count, forKey: .count)
        try container.encode(quantile(0.25), forKey: .lowerQuartile)
        try container.encode(median, forKey: .median)
        try container.encode(quantile(0.75), forKey: .upperQuartile)
    }
}
