import ArgumentParser
import LabEvents
import VDE
import VMLab

/// `vmlab net counters`: what became of the frames of cables.
struct NetCountersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "counters", abstract: "Show what became of the frames of every cable, by direction and reason.",
        discussion: "Of a run that has ended, what it kept in network/cables.json. The way out is from the first end: what the node sends.")

    @OptionGroup var net: NetOptions

    @Flag(help: "Print JSON, as network/cables.json has it.")
    var json = false

    func run() async throws {
        let run = try net.state.find(net.run)
        // A lab that is about to end has no owner for long; what it leaves is then there.
        let report = RunLock.isHeld(run) ? try await current() : try CableReport.read(run)
        if json { return Terminal.print(try Terminal.json(report)) }
        guard !report.isEmpty else { return Terminal.print("the lab has no cables; start it with --cables") }
        if !report.cables.isEmpty {
            Terminal.table(
                [["CABLE", "WAY", "RECEIVED", "PASSED", "DROPPED", "WHY", "IMPAIRED BY"]]
                    + report.cables.flatMap { cable in
                        [
                            Self.row(cable.cable, "out", cable.counters.forward, cable.forward),
                            Self.row("", "in", cable.counters.backward, cable.backward),
                        ]
                    })
        }
        if !report.aggregations.isEmpty {
            Terminal.table(
                [["AGGREGATION", "LEG", "STATE", "TO SWITCH", "TO NODE", "DROPPED", "WHY"]] + report.aggregations.flatMap(Self.rows))
        }
    }

    private func current() async throws -> CableReport {
        let reply = try await net.ask("counters")
        return CableReport(cables: reply.cables ?? [], aggregations: reply.aggregations ?? [])
    }

    private static func row(_ name: String, _ way: String, _ counters: DirectionCounters, _ impairments: Impairments) -> [String] {
        let reasons = [
            ("lost", counters.lost), ("lost in bursts", counters.burstLost), ("queue full", counters.queueFull),
            ("unplugged", counters.carrier), ("blocked", counters.blocked), ("nobody there", counters.absent),
            ("refused", counters.refused),
        ].map { ($0.0, UInt64($0.1.frames)) }
        return [
            name, way, "\(counters.received.frames)", "\(counters.passed.frames)", "\(counters.dropped.frames)",
            text(reasons), impairments.isNone ? "" : "\(impairments)",
        ]
    }

    private static func rows(_ link: AggregationStatus) -> [[String]] {
        link.status.legs.enumerated().map { index, leg in
            let counters = leg.counters
            let reasons = [
                ("unplugged", counters.noCarrier), ("not collecting", counters.notCollecting), ("nobody there", counters.guestRefused),
                ("runts", counters.runts), ("no sense", counters.slowIgnored),
            ]
            let partner = link.status.partner.map { "partner \($0.address)" } ?? "no partner"
            return [
                index == 0 ? link.aggregation : "", index < link.legs.count ? link.legs[index] : "\(index)",
                leg.port.isUp ? "in use, \(partner)" : leg.hasCarrier ? "not in use, \(partner)" : "unplugged",
                "\(counters.toSwitch.frames)", "\(counters.toGuest.frames)", "\(reasons.reduce(0) { $0 + $1.1 })", text(reasons),
            ]
        }
    }

    private static func text(_ reasons: [(String, UInt64)]) -> String {
        reasons.filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
