import LabEvents

/// Who reached whom, on every network, against what was expected.
public struct ReachabilityMatrix: Sendable, Equatable, Codable {
    /// One probe and what came of it.
    public struct Entry: Sendable, Equatable, Codable {
        /// What was tried.
        public var probe: ReachabilityProbe
        /// What came of it.
        public var finding: ReachabilityProbe.Finding
        /// What is not as expected; nil when it is.
        public var fault: String?

        /// An entry; whether it is as expected follows.
        public init(_ probe: ReachabilityProbe, _ finding: ReachabilityProbe.Finding) {
            (self.probe, self.finding, fault) = (probe, finding, probe.fault(finding))
        }
    }

    /// The TCP port that was tried.
    public var port: Int
    /// The nodes that took part.
    public var nodes: [String]
    /// Every probe, in the order of networks and nodes.
    public var entries: [Entry]

    /// A matrix from its parts.
    public init(port: Int, nodes: [String], entries: [Entry]) { (self.port, self.nodes, self.entries) = (port, nodes, entries) }

    /// What is not as expected.
    public var faults: [Entry] { entries.filter { $0.fault != nil } }
    /// Whether all is as expected.
    public var isAsExpected: Bool { faults.isEmpty }

    /// `12 of 12 as expected: 6 connected, 6 isolated`.
    public var summary: String {
        let good = entries.count - faults.count
        let connected = entries.count { $0.probe.pair.isConnected }
        return "\(good) of \(entries.count) as expected (\(connected) should be connected, \(entries.count - connected) isolated)"
    }

    /// The slowest first TCP answer and whose it was; nil when nobody answered or no guest could measure it. All probes of a node run at once, so it is an
    /// upper limit.
    public var slowestTCP: Entry? {
        entries.filter { [.accepted, .refused].contains($0.finding.tcp) && $0.finding.tcpMilliseconds != nil }
            .max { ($0.finding.tcpMilliseconds ?? 0) < ($1.finding.tcpMilliseconds ?? 0) }
    }

    /// What is not as expected, a line for each.
    public var faultText: String {
        faults.map { entry in
            let pair = entry.probe.pair
            return "\(pair.from) → \(pair.to) on \(pair.network) (\(entry.probe.address.address)): \(entry.fault ?? "")"
        }.joined(separator: "\n")
    }

    /// A table for each network: who asks is at the left, who is asked at the top.
    public var table: String {
        var networks: [String] = []
        for entry in entries where !networks.contains(entry.probe.pair.network) { networks.append(entry.probe.pair.network) }
        var lines: [String] = []
        for network in networks {
            let own = entries.filter { $0.probe.pair.network == network }
            let members = nodes.filter { name in own.contains { $0.probe.pair.from == name || $0.probe.pair.to == name } }
            var rows = [[network] + members]
            for from in members {
                rows.append(
                    [from]
                        + members.map { to in
                            from == to ? "·" : Self.cell(own.filter { $0.probe.pair.from == from && $0.probe.pair.to == to })
                        })
            }
            lines += TextTable.lines(rows) + [""]
        }
        if !isAsExpected { lines.append(faultText) }
        return (lines + [summary]).joined(separator: "\n")
    }

    private static func cell(_ entries: [Entry]) -> String {
        if entries.isEmpty { return "" }
        if entries.allSatisfy({ $0.fault == nil }) { return entries.allSatisfy(\.probe.pair.isConnected) ? "ok" : "isolated" }
        return entries.contains { !$0.probe.pair.isConnected } ? "LEAK" : "FAILS"
    }
}
