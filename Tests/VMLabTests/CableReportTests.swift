import Foundation
import LabEvents
import NetworkProfiles
import Testing
import VDE

@testable import VMLab

/// The counters of cables that a run leaves, of labs whose machines are not started.
@Suite("Counters of cables as evidence", .tier(.contract), .serialized, .timeLimit(.minutes(5)))
struct CableReportTests {
    private static let folder =
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/profiles"

    /// A run with the fabric of a profile; it has ended when `after` is called.
    private static func with(
        _ profile: String, cables: Bool = false, _ body: @escaping @Sendable (Lab) async throws -> Void,
        after: (RunDirectory) throws -> Void
    ) async throws {
        var network = try NetworkProfile.load("\(folder)/\(profile).yaml").plan(lab: "evidence")
        if cables { network.cableAll(because: "the test") }
        let plan = try LabPlan.make(
            scenario: "evidence", topology: Topology(network) { .init(name: $0.name, image: "mini", memoryMiB: 128) },
            images: PlanFixtures.images, host: PlanFixtures.host(4), seed: 1)
        let state = FileManager.default.temporaryDirectory.path + "/vmlab-evidence-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: state) }
        let (run, lock) = try RunDirectory.make(state: state)
        defer { run.removeSockets() }
        try AtomicFile.write(Array(try plan.json().utf8), to: run.path + "/plan.json", redactor: Redactor())
        let log = EventLog(run: run.identifier, redactor: Redactor())
        try await withLab(plan, images: [:], in: run, options: LabOptions(events: log, redactor: Redactor(), pace: 1), body: body)
        lock.release()
        try after(run)
    }

    /// What reading says; empty when it succeeds.
    private static func refusal(_ run: RunDirectory) -> String {
        do throws(Problem) {
            _ = try CableReport.read(run)
            return ""
        } catch {
            return "\(error.what): \(error.why ?? "")"
        }
    }

    @Test("Names, ends, reasons, impairments, and both directions of a trunk's cable and a card's")
    func counted() async throws {
        let asked = Impairments(delay: .milliseconds(5), loss: 0.25)
        try await Self.with("bonding-two-switches", cables: true) { lab in
            let trunk = try #require(lab.plan.network?.trunks.first)
            let card = try #require(lab.cables.first { $0.name == "server-1.eth1" })
            try card.cable().impair(.forward, asked)
            let place = try #require(lab.plan.nodes.first { $0.name == "server-1" }?.interfaces.first { $0.name == "eth1" }?.port)
            let segment = try #require(lab.segments.first { $0.name == place.segment })
            let cable = try #require(lab.cables.first { $0.name == trunk.name }).cable()
            try await segment.vdeSwitch().withHostPort(place.number) { host in
                for number in 0..<7 {
                    try await host.send(
                        EthernetFrame(
                            destination: EthernetFrame.broadcast, source: #require(MACAddress("02:00:00:00:00:09")),
                            tags: [VLANTag(200)], ethertype: 0x88B5, payload: [UInt8](repeating: UInt8(number), count: 60)))
                }
                let deadline = ContinuousClock.now + .seconds(20)
                while cable.counters.forward.passed.frames + cable.counters.backward.passed.frames < 7, ContinuousClock.now < deadline {
                    await Task.yield()
                }
            }
            await lab.gatherEvidence()
        } after: { run in
            let report = try CableReport.read(run)
            let trunk = try #require(report.cables.first)
            #expect(trunk.ends?.count == 2 && trunk.ends != ["nothing", "nothing"] && trunk.reason == "trunks are cables")
            #expect(trunk.counters.forward.passed.frames + trunk.counters.backward.passed.frames >= 7)
            let card = try #require(report.cables.first { $0.cable == "server-1.eth1" })
            #expect(card.reason == "the test" && card.forward == asked && card.backward.isNone)
            #expect(card.ends == ["server-1.eth1", "lan-a 1"], "\(card.ends ?? [])")
            #expect(run.evidence.contains("network/cables.json"))
            #expect(!run.evidence.contains { $0.hasPrefix("ram/") || $0 == "lock" || $0.contains("sockets") })
        }
    }

    @Test("A link aggregation's status, with its legs")
    func aggregation() async throws {
        try await Self.with("lacp-vlans") { lab in
            await lab.gatherEvidence()
        } after: { run in
            let report = try CableReport.read(run)
            let link = try #require(report.aggregations.first { $0.aggregation == "server-1.bond0" })
            #expect(link.legs == ["eth1", "eth2"] && link.status.legs.count == 2 && link.status.hasSwitch && link.status.partner == nil)
        }
    }

    @Test("Without cables nothing is written, and that is what the run says; what is missing, damaged or of another form is told")
    func without() async throws {
        try await Self.with("simple") { lab in
            await lab.gatherEvidence()
        } after: { run in
            let path = run.path + "/network/cables.json"
            #expect(!FileManager.default.fileExists(atPath: path))
            let report = try CableReport.read(run)
            #expect(report.isEmpty)
            func problem(_ text: String) throws -> String {
                try text.write(toFile: path, atomically: false, encoding: .utf8)
                return Self.refusal(run)
            }
            #expect(try problem("{").contains("cannot be read"))
            #expect(try problem(#"{"schema": 2, "cables": [], "aggregations": []}"#).contains("another version of vmlab"))
        }
        try await Self.with("bonding-two-switches") { _ in
        } after: { run in
            #expect(Self.refusal(run).contains("kept no counters"))
        }
    }

    @Test("What a cable counted before another took its place is kept; what waited in it never came")
    func sums() {
        var (one, two) = (CableCounters(), CableCounters())
        (one.forward.received, one.forward.passed) = (FrameCount(frames: 10, bytes: 1000), FrameCount(frames: 6, bytes: 600))
        (one.forward.lost, one.forward.waiting) = (FrameCount(frames: 1, bytes: 100), FrameCount(frames: 3, bytes: 300))
        (two.forward.received, two.forward.waiting) = (FrameCount(frames: 2, bytes: 20), FrameCount(frames: 2, bytes: 20))
        let sum = one.followed(by: two).forward
        #expect(sum.received == FrameCount(frames: 12, bytes: 1020) && sum.passed == one.forward.passed && sum.lost == one.forward.lost)
        #expect(sum.absent == one.forward.waiting && sum.waiting == two.forward.waiting)
        #expect(sum.received.frames == sum.passed.frames + sum.dropped.frames + sum.waiting.frames)
    }
}
