/// What one run measured.
struct Report: Sendable, Encodable {
    /// A demand on the ratio of two medians.
    struct Target: Sendable, Encodable {
        var name: String
        /// The usual way's time over ours, or our rate over the usual way's.
        var ratio: Double
        /// The least that is acceptable.
        var least: Double
        var isMet: Bool
    }

    /// How often the bulk output came out different from the file.
    struct Damage: Sendable, Encodable {
        var usual = 0
        var ours = 0
    }

    var image: String
    var accelerator: String
    /// Whether the benchmark itself was compiled without optimisation.
    var isDebugBuild: Bool
    /// Seconds for `true`.
    var usualTrue = Series()
    var ourTrue = Series()
    /// Seconds for `true` again and again, without the usual way in between, whose processes leave the guest's caches cold.
    var ourRepeatedTrue = Series()
    /// Seconds for `/bin/true`, which the guest has to fork and execute.
    var ourProgram = Series()
    /// MB of payload (10^6 bytes) in a second.
    var usualBulk = Series()
    var ourBulk = Series()
    var bulkBytes: Int
    var damagedBulk = Damage()
    /// Commands in a second, through all shells by 32 callers.
    var throughput = 0.0
    var targets: [Target] = []

    static let leastCommandRatio = 15.0
    static let leastBulkRatio = 2.0

    /// Compares the medians with the targets.
    mutating func judge() {
        let command = usualTrue.median / ourTrue.median
        let bulk = ourBulk.median / usualBulk.median
        targets = [
            Target(
                name: "cost of a command", ratio: command, least: Self.leastCommandRatio, isMet: command >= Self.leastCommandRatio
            ),
            Target(
                name: "rate of bulk output", ratio: bulk, least: Self.leastBulkRatio,
                isMet: bulk >= Self.leastBulkRatio && damagedBulk.ours == 0
            ),
        ]
    }

    /// The report as a table.
    var table: String {
        var lines = [
            "image \(image), \(accelerator), 1 vCPU\(isDebugBuild ? ", debug build" : "")",
            Self.row(["", "runs", "lower quartile", "median", "upper quartile"]),
        ]
        let times = [
            ("true, usual way on hvc0", usualTrue), ("true, ours", ourTrue), ("true, ours, repeated", ourRepeatedTrue),
            ("/bin/true, ours", ourProgram),
        ]
        lines += times.map { name, series in Self.row(name, series, unit: "ms", scale: 1000) }
        let rates = [("bulk output, usual way", usualBulk), ("bulk output, ours", ourBulk)]
        lines += rates.map { name, series in Self.row(name, series, unit: "MB/s", scale: 1) }
        lines.append("bulk output that differed from the file: usual way \(damagedBulk.usual), ours \(damagedBulk.ours)")
        lines.append("200 commands through 8 shells by 32 callers: \(Self.decimal(throughput)) commands/s")
        lines += targets.map { target in
            "\(target.name): ratio \(Self.decimal(target.ratio)), at least \(Self.decimal(target.least)): \(target.isMet ? "met" : "MISSED")"
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ name: String, _ series: Series, unit: String, scale: Double) -> String {
        row([name, "\(series.values.count)"] + [0.25, 0.5, 0.75].map { "\(decimal(series.quantile($0) * scale)) \(unit)" })
    }

    private static func row(_ cells: [String]) -> String {
        let widths = [26, 6, 16, 16, 16]
        return zip(cells, widths).enumerated().map { index, cell in
            let space = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            return index == 0 ? cell.0 + space : space + cell.0
        }.joined()
    }

    /// Two digits behind the point.
    static func decimal(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}
