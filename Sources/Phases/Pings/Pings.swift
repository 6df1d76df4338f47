import GuestShell
import LabEvents
import Synchronization
public import VMLab

/// Pings that a guest sends while something else is done; see ``VMLab/Node/pinging(_:every:file:line:_:)``.
public final class Pings: Sendable {
    /// Where they are sent.
    public let address: String
    /// The time from one to the next.
    public let interval: Duration
    private let node: Node

    private struct State {
        var parser = PingParser()
        var lines = LineSplitter(limit: 4096)
        var tail: [String] = []
        /// When the newest answer came.
        var heard = ContinuousClock.now
    }

    private let state = Mutex(State())
    /// The process that sends them.
    let process = Gate<Int>()

    init(_ node: Node, _ address: String, _ interval: Duration) { (self.node, self.address, self.interval) = (node, address, interval) }

    /// How many were answered so far.
    public var answers: Int { state.withLock { $0.parser.answered.count } }
    /// What ping said last.
    var words: String { state.withLock { $0.tail.joined(separator: "\n") } }

    /// Waits until some more have been answered, one after the other.
    ///
    /// - Parameters:
    ///   - count: how many in a row.
    ///   - budget: how long, on a host of pace 1.
    public func wait(forAnswers count: Int, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws {
        let begin = state.withLock { $0.parser.newest.map { $0 + 1 } ?? 0 }
        try await Condition("\(node.name): \(count) pings in a row to \(address) are answered", on: node) { [self] in
            let (answered, newest) = state.withLock { ($0.parser.answered, $0.parser.newest ?? -1) }
            var row = 0
            while newest - row >= begin, answered.contains(newest - row) { row += 1 }
            return row >= count ? .yes("\(row)") : .no("\(row) in a row, \(answered.count) of all")
        }.wait(budget, file: file, line: line)
    }

    /// The script that sends them and says first which process it is.
    var script: String { "echo $$; exec ping -i \(Self.seconds(interval)) \(address)" }

    /// An interval as ping takes it.
    static func seconds(_ interval: Duration) -> String {
        let milliseconds = Int((interval.seconds * 1000).rounded())
        return "\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst())"
    }

    func take(_ piece: OutputPiece) {
        state.withLock { state in
            for line in state.lines.lines(piece.bytes) {
                if process.value == nil, piece.stream == .stdout, let number = Int(line) { process.open(number) }
                let newest = state.parser.newest
                state.parser.take(line)
                if state.parser.newest != newest { state.heard = .now }
                state.tail = state.tail.suffix(3) + [line]
            }
        }
    }

    /// What came of them.
    ///
    /// - Parameter end: when they ended.
    func report(_ end: ContinuousClock.Instant) -> PingReport {
        let (parser, heard) = state.withLock { ($0.parser, $0.heard) }
        let answered = parser.answered.sorted()
        // busybox may say nothing when it ends; the time since the last answer tells then.
        let silent = max(0, Int((heard.duration(to: end).seconds / interval.seconds).rounded(.down)))
        let sent = parser.sent ?? (answered.last ?? -1) + 1 + silent
        // What was sent in the last moments had no time to be answered. A row longer than the longest round trip has been lost.
        let underWay = max(0, sent - 1 - (answered.last ?? -1))
        let longest = (parser.roundTrips.max() ?? .zero) + interval * 2
        return PingReport(
            address: address, interval: interval, sent: interval * underWay <= longest ? sent - underWay : sent, answered: answered,
            roundTrips: parser.roundTrips)
    }
}
