extension Duration {
    /// After this nothing will come any more: it ends a test that hangs, and measures nothing.
    static let hang = Duration.seconds(300)
}

/// Looks again and again at what nothing announces.
enum Poll {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Throws: when `look` found nothing in time.
    static func until<Found>(
        _ what: String, _ limit: Duration = .hang, every interval: Duration = .milliseconds(2), _ look: () throws -> Found?
    ) async throws -> Found {
        let deadline = ContinuousClock.now + limit
        while true {
            if let found = try look() { return found }
            guard ContinuousClock.now < deadline else { throw Failure(description: "after \(limit) still not: \(what)") }
            try await Task.sleep(for: interval)
        }
    }
}
