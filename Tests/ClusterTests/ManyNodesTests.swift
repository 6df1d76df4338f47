import Foundation
import Testing

/// Growth from few nodes to many.
@Suite("Many nodes", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct ManyNodesTests {
    @Test("16 nodes on one switch boot and answer; the time for each does not grow, and the harness stays under 100 MB")
    func sixteen() async throws {
        try await CommandLine.with { command in
            // Few nodes before and after the many: a host that is busy with something else only for a while is no growth. Nor is one of two tries.
            for isLast in [false, true] {
                let (before, _) = try await Self.measure(2, command)
                let (sixteen, peak) = try await Self.measure(16, command)
                let (after, _) = try await Self.measure(2, command)
                #expect(peak < 100_000, "the owner had \(peak) kB at most")
                print("many nodes: 2 in \(before) and \(after) s, 16 in \(sixteen) s; owner at most \(peak) kB")
                // Linear would be 8 times as long. A quarter is left for what differs between two measurements.
                let isLinear = sixteen / 16 <= max(before, after) / 2 * 1.25
                if isLinear { break }
                #expect(!isLast, "2 nodes \(before) and \(after) s, 16 nodes \(sixteen) s")
            }
        }
    }

    /// Seconds from the start to the last answer, and the owner's most memory in kB.
    private static func measure(_ count: Int, _ command: CommandLine) async throws -> (Double, Int) {
        let outcome = try await command.run(["run", "many-nodes", "--nodes", "\(count)", "--keep"])
        try #require(outcome.code == 0, "\(outcome.stderr)")
        let phases = try command.events(outcome.run).filter { $0["type"] as? String == "phase" && $0["state"] as? String == "passed" }
        let seconds = phases.prefix(2).compactMap { $0["seconds"] as? Double }.reduce(0, +)
        let started = try #require(try command.events(outcome.run).first { $0["type"] as? String == "runStarted" })
        let status = try String(contentsOfFile: "/proc/\(try #require(started["owner"] as? Int))/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        try await command.succeed("down", outcome.run)
        return (seconds, try #require(Int(line.filter(\.isNumber))))
    }
}
