/// A systemd unit as `systemctl show` tells it.
public struct UnitState: Sendable, Equatable {
    /// `ActiveState`, such as `activating`.
    public var active: String
    /// `SubState`, such as `auto-restart`.
    public var sub: String
    /// `Result`, such as `exit-code`.
    public var result: String
    /// How many times systemd has started it again.
    public var restarts: Int
    /// The status of its last main process.
    public var status: Int
    /// Whether a job for it is queued.
    public var hasJob: Bool

    /// The properties that are asked for.
    static let properties = ["ActiveState", "SubState", "Result", "NRestarts", "ExecMainStatus", "Job"]

    /// From lines `KEY=VALUE`.
    public init(_ text: String) {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[parts[0]] = String(parts[1]) }
        }
        active = values["ActiveState"] ?? "unknown"
        sub = values["SubState"] ?? ""
        result = values["Result"] ?? ""
        restarts = values["NRestarts"].flatMap { Int($0) } ?? 0
        status = values["ExecMainStatus"].flatMap { Int($0) } ?? 0
        hasJob = !["", "0"].contains(values["Job"] ?? "")
    }

    /// Whether it runs and has said that it is ready.
    public var isActive: Bool { active == "active" }
    /// Whether it has ended and nothing will start it again.
    public var isFailed: Bool { (active == "failed" || active == "inactive") && !hasJob }

    /// `activating (auto-restart), status 1, 3 restarts`.
    public var text: String {
        "\(active)\(sub.isEmpty ? "" : " (\(sub))")" + (status == 0 ? "" : ", status \(status)")
            + (restarts == 0 ? "" : ", \(restarts) restart\(restarts == 1 ? "" : "s")")
    }
}
