import LabEvents

/// A named time limit. It is multiplied by the pace of the host, so that a slow host is given more time and a fast one does not wait longer than it must.
public struct Budget: Sendable, Equatable {
    /// What it limits, such as `boot`.
    public var name: String
    /// The limit on a host of pace 1.
    public var limit: Duration

    /// A budget for a host of pace 1.
    public init(_ name: String, _ limit: Duration) { (self.name, self.limit) = (name, limit) }

    /// From the start of a machine until its guest obeys.
    public static let boot = Budget("boot", .seconds(180))
    /// From asking a guest to power off until its machine is gone.
    public static let shutdown = Budget("shutdown", .seconds(60))
    /// From the reset of a machine until its guest obeys again.
    public static let reboot = Budget("reboot", .seconds(240))
    /// For a command in a guest that says nothing else.
    public static let command = Budget("command", .seconds(60))

    /// The limit on a host of a pace.
    public func scaled(by pace: Double) -> Duration { limit * max(1, pace) }

    /// Runs `body` for at most the scaled budget.
    ///
    /// - Parameters:
    ///   - pace: the host's pace now.
    ///   - what: what is waited for, such as `a: the guest obeys`.
    ///   - observed: what was seen last, for the error.
    /// - Throws: what `body` throws, or a ``Problem`` that names the budget, what was waited for, how long, and the last observation.
    func run<Value: Sendable>(
        pace: @escaping @Sendable () -> Double, waitingFor what: String, observed: @escaping @Sendable () -> String?,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let begin = ContinuousClock.now
        return try await withThrowingTaskGroup(of: Value.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                // A host that became slow meanwhile is given more time.
                while case let left = self.scaled(by: pace()) - begin.duration(to: .now), left > .zero { try await Task.sleep(for: left) }
                let waited = begin.duration(to: .now).seconds
                throw Problem(
                    .failure, "budget '\(self.name)' is used up: \(what)",
                    why:
                        "waited \(waited.rounded(to: 1)) s (\(self.limit.seconds.rounded(to: 1)) s at pace \(pace().rounded(to: 1))); last seen: "
                        + (observed() ?? "nothing"),
                    remedy: "the serial log of the node shows how far it came")
            }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension Double {
    /// Rounded to a number of decimal places.
    public func rounded(to places: Int) -> Double {
        let factor = (0..<places).reduce(1.0) { product, _ in product * 10 }
        return (self * factor).rounded() / factor
    }
}
