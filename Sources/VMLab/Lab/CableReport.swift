import FoundationEssentials
public import LabEvents
import NetworkProfiles
public import VDE

/// What became of the frames of a lab's cables and link aggregations: `network/cables.json`, and what `vmlab net counters` shows.
public struct CableReport: Sendable, Codable, Equatable {
    /// The version of the form.
    public var schema = 1
    /// The cables: those of trunks, then those of network cards.
    public var cables: [CableStatus]
    /// The LACP partners of bonds.
    public var aggregations: [AggregationStatus]

    /// A report from its parts.
    public init(cables: [CableStatus], aggregations: [AggregationStatus] = []) { (self.cables, self.aggregations) = (cables, aggregations) }

    /// Whether there is nothing to report: the lab has neither cables nor link aggregations.
    public var isEmpty: Bool { cables.isEmpty && aggregations.isEmpty }

    private static func path(_ run: RunDirectory) -> String { run.path + "/network/cables.json" }

    /// Reads what a run kept.
    ///
    /// - Throws: a ``LabEvents/Problem`` when it kept nothing though its lab had cables, or what it kept is of another form.
    public static func read(_ run: RunDirectory) throws(Problem) -> CableReport {
        let path = path(run)
        guard let bytes = try? Data(contentsOf: URL(filePath: path)) else {
            let plan = (try? Data(contentsOf: URL(filePath: run.path + "/plan.json"))).flatMap {
                try? JSONDecoder().decode(LabPlan.self, from: $0)
            }
            if let plan, !plan.hasCables { return CableReport(cables: []) }
            throw Problem(
                .failure, "run \(run.identifier) kept no counters of its cables", location: path,
                why: "it ended before its lab was up, its owner was killed, or a vmlab ran it that kept none",
                remedy: "`vmlab net counters` of a living lab shows them as they are")
        }
        do {
            let report = try JSONDecoder().decode(CableReport.self, from: bytes)
            if report.schema == 1 { return report }
        } catch {
            throw Problem(.failure, "the counters of run \(run.identifier) cannot be read", location: path, why: "\(error)")
        }
        throw Problem(
            .failure, "the counters of run \(run.identifier) are of another form", location: path,
            why: "another version of vmlab wrote them",
            remedy: "read them with that one")
    }

    func write(to run: RunDirectory, redactor: Redactor) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(self)) + [UInt8(ascii: "\n")], to: Self.path(run), redactor: redactor)
    }
}

/// A cable and what became of its frames.
public struct CableStatus: Sendable, Codable, Equatable {
    /// `NODE.CARD`, or the name of a trunk.
    public var cable: String
    /// What it joins: `NODE.CARD`, `SEGMENT PORT`, or the bond whose link aggregation is at that end.
    public var ends: [String]?
    /// Why there is a cable.
    public var reason: String?
    /// What became of its frames; forward is from the first end.
    public var counters: CableCounters
    /// What is done to the frames from the first end.
    public var forward: Impairments
    /// What is done to the frames to the first end.
    public var backward: Impairments
}

/// The LACP partner of a bond, and what became of the bond's frames.
public struct AggregationStatus: Sendable, Codable, Equatable {
    /// `NODE.BOND`.
    public var aggregation: String
    /// The bond's legs, in the order of ``status``'s.
    public var legs: [String]
    /// How LACP stands, and the counters of each leg, since the lab began or was taken over.
    public var status: LinkAggregationStatus
}

extension LabPlan {
    /// Whether the lab has cables or link aggregations: trunks always do.
    var hasCables: Bool { network?.trunks.isEmpty == false || nodes.contains { $0.interfaces.contains { !$0.joints.isEmpty } } }
}

extension Lab {
    /// What became of the frames of all cables until now. One that is gone is left out.
    public var cableReport: CableReport {
        CableReport(
            cables: cables.compactMap { link in
                guard let cable = try? link.cable(), let counters = try? link.counters() else { return nil }
                return CableStatus(
                    cable: link.name, ends: link.endNames, reason: link.reason, counters: counters, forward: cable.impairments(.forward),
                    backward: cable.impairments(.backward))
            },
            aggregations: aggregations.compactMap { link in
                guard let aggregation = try? link.aggregation() else { return nil }
                return AggregationStatus(aggregation: link.name, legs: link.bond.legs, status: aggregation.status)
            })
    }

    /// Writes what became of the frames to the run directory; nothing when there are no cables.
    func keepCounters() {
        let report = cableReport
        if !report.isEmpty { try? report.write(to: context.run, redactor: secrets) }
    }
}
