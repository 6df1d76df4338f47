/// Finds all known values and shapes in one pass: a table by the first two bytes says where one could begin, and almost nowhere it could.
final class RedactionTable: Sendable {
    private enum Needle {
        case value([UInt8], mark: [UInt8])
        case shape(SecretShape, [UInt8])
    }

    /// The number of a bucket for every pair of bytes, 0 for none.
    private let index: [UInt16]
    private let buckets: [[Needle]]

    /// - Parameter values: what is found, and what takes its place.
    init(values: [[UInt8]: [UInt8]]) {
        var needles: [Int: [Needle]] = [:]
        func pair(_ first: UInt8, _ second: UInt8) -> Int { Int(first) | Int(second) << 8 }
        // The longest first: a short one may be the beginning of a long one.
        for (value, mark) in values.sorted(by: { $0.key.count > $1.key.count }) {
            needles[pair(value[0], value[1]), default: []].append(.value(value, mark: mark))
        }
        for (trigger, shape) in SecretShape.triggers {
            var pairs: Set = [pair(trigger[0], trigger[1])]
            if shape.ignoresCase {
                for (a, b) in [(0x20, 0), (0, 0x20), (0x20, 0x20)] as [(UInt8, UInt8)] {
                    pairs.insert(pair(trigger[0] & ~a, trigger[1] & ~b))
                }
            }
            for pair in pairs { needles[pair, default: []].append(.shape(shape, trigger)) }
        }
        var index = [UInt16](repeating: 0, count: 65_536)
        var buckets: [[Needle]] = [[]]
        for (pair, list) in needles {
            index[pair] = UInt16(buckets.count)
            buckets.append(list)
        }
        (self.index, self.buckets) = (index, buckets)
    }

    /// What is found, which may overlap.
    func spans(_ text: UnsafeBufferPointer<UInt8>) -> [Span] {
        guard text.count > 1 else { return [] }
        var spans: [Span] = []
        // Within a shape's span no other shape matters, and looking for one at each place of a long value would take its square in time.
        var shapesFrom = 0
        index.withUnsafeBufferPointer { index in
            var first = Int(text[0])
            for place in 0..<text.count - 1 {
                let second = Int(text[place + 1])
                let bucket = Int(index[first | second << 8])
                first = second
                if bucket != 0 { match(buckets[bucket], text, place, &shapesFrom, &spans) }
            }
        }
        return spans
    }

    private func match(
        _ needles: [Needle], _ text: UnsafeBufferPointer<UInt8>, _ place: Int, _ shapesFrom: inout Int, _ spans: inout [Span]
    ) {
        var hasValue = false
        for needle in needles {
            switch needle {
            case .value(let value, let mark):
                guard !hasValue, text.matches(value, at: place) else { continue }
                hasValue = true
                spans.append(Span(place, place + value.count, mark))
            case .shape(let shape, let trigger):
                guard place >= shapesFrom, shape.ignoresCase ? text.matchesLetters(trigger, at: place) : text.matches(trigger, at: place),
                    let span = shape.span(text, place, trigger)
                else { continue }
                spans.append(span)
                shapesFrom = span.end
            }
        }
    }
}
