import VMLab

/// Reads what ping prints, of busybox or iputils.
struct PingParser: Sendable {
    private(set) var answered: Set<Int> = []
    private(set) var roundTrips: [Duration] = []
    /// What the last lines but one say; nil while they have not come.
    private(set) var sent: Int?
    /// ICMP has 16 bits for the number.
    private var last = 0

    init() {}

    /// The highest number that was answered.
    var newest: Int? { answered.isEmpty ? nil : last }

    /// `64 bytes from 192.168.1.2: seq=0 ttl=64 time=1.234 ms`, `… icmp_seq=1 …`, `212 packets transmitted, 198 …`.
    mutating func take(_ line: String) {
        let words = line.split(separator: " ")
        if words.count > 3, words[1] == "packets", words[2].hasPrefix("transmitted") {
            sent = Int(words[0])
            return
        }
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            // busybox begins at 0, iputils at 1.
            case "seq": take(number: Int(parts[1]), base: 0, line)
            case "icmp_seq": take(number: Int(parts[1]), base: 1, line)
            case "time": if let time = Double(parts[1]), isAnswer(line) { roundTrips.append(.seconds(time / 1000)) }
            default: break
            }
        }
    }

    private mutating func take(number: Int?, base: Int, _ line: String) {
        guard let number, isAnswer(line) else { return }
        // The number nearest to the last one that is the same in 16 bits.
        let step = (number - base - last) & 0xFFFF
        let found = last + (step < 0x8000 ? step : step - 0x10000)
        guard found >= 0 else { return }
        answered.insert(found)
        last = max(last, found)
    }

    /// Copies, and what routers say about lost pings (`From … Destination Host Unreachable`), are no answers.
    private func isAnswer(_ line: String) -> Bool { line.contains(" bytes from ") && !line.contains("DUP!") }
}
