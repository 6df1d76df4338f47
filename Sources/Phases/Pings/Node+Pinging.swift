import GuestShell
import LabEvents
public import VMLab

extension Node {
    /// Lets the guest ping an address again and again while `body` runs, which begins after the first answer. For busybox's ping and that of iputils.
    ///
    /// The guest counts the time between pings by its own clock: a loss of several in a row is a gap of so many intervals, whatever the host was busy with.
    ///
    /// - Parameters:
    ///   - address: an IPv4 or IPv6 address.
    ///   - interval: the time from one ping to the next, in whole milliseconds; at least 10 ms.
    ///   - body: can wait for answers; pings end with it, also when it throws.
    /// - Returns: which were answered.
    /// - Throws: what `body` throws; a ``Problem`` when there is no first answer in the budget `answer`, or ping ends early.
    @discardableResult
    public func pinging(
        _ address: String, every interval: Duration = .milliseconds(20), file: String = #fileID, line: Int = #line,
        _ body: (Pings) async throws -> Void
    ) async throws -> PingReport {
        guard interval >= .milliseconds(10), address.allSatisfy({ $0.isHexDigit || ".:%".contains($0) }) else {
            throw Problem(
                .invalidInput, "\(name) cannot ping '\(address)' every \(interval)", location: "\(file):\(line)",
                why: "an address and 10 ms or more fit")
        }
        let pings = Pings(self, address, interval)
        async let end = execute(CommandRequest(pings.script, captureLimit: 4096) { pings.take($0) })
        try await pings.wait(forAnswers: 1, .answer, file: file, line: line)
        try await body(pings)
        let last = ContinuousClock.now
        // SIGINT is how ping is told to sum up. One that is gone has ended early.
        guard try await execute("kill -INT \(try await pings.process.wait())").succeeded else {
            throw Problem(.failure, "\(name): the pings to \(address) ended early", location: "\(file):\(line)", why: pings.words)
        }
        _ = try await end
        return pings.report(last)
    }

    /// Lets the guest ping an address a number of times, one after the other. For busybox's ping and that of iputils. Lost ones are for the caller to judge.
    ///
    /// - Parameters:
    ///   - address: an IPv4 or IPv6 address.
    ///   - count: how many, 1 to 65535.
    ///   - interval: the time from one ping to the next, in whole milliseconds; at least 10 ms.
    /// - Returns: which were answered.
    /// - Throws: a ``Problem`` when ping cannot be run.
    public func ping(
        _ address: String, count: Int, every interval: Duration = .milliseconds(20), file: String = #fileID, line: Int = #line
    ) async throws -> PingReport {
        guard (1...65535).contains(count), interval >= .milliseconds(10), address.allSatisfy({ $0.isHexDigit || ".:%".contains($0) }) else {
            throw Problem(
                .invalidInput, "\(name) cannot ping '\(address)' \(count) times every \(interval)", location: "\(file):\(line)",
                why: "an address, 1 to 65535 times, and 10 ms or more fit")
        }
        let limit = interval * count * max(1, pace) + budget(.command).scaled(by: pace)
        var request = CommandRequest("ping -c \(count) -W 2 -i \(Pings.seconds(interval)) \(address)", timeout: limit)
        request.captureLimit = 128 * count + 4096
        let result = try await execute(request)
        var parser = PingParser()
        for line in result.stdout.text.split(separator: "\n") { parser.take(String(line)) }
        guard parser.sent == count else {
            throw Problem(
                .failure, "\(name): ping sent \(parser.sent ?? 0) of \(count)", location: "\(file):\(line)",
                why: [result.stderr.trimmed, String(result.stdout.trimmed.suffix(300))].joined(separator: "\n"))
        }
        return PingReport(
            address: address, interval: interval, sent: count, answered: parser.answered.sorted(), roundTrips: parser.roundTrips)
    }
}

extension Budget {
    /// Until a first ping is answered, which may need ARP.
    public static let answer = Budget("answer", .seconds(20))
}
