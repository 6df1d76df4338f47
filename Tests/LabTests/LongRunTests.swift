import Foundation
import Glibc
import LabEvents
import Testing

/// What the owner of a lab needs for much work, and while it has none.
@Suite("A long run", .tier(.cluster), .timeLimit(.minutes(20)))
struct LongRunTests {
    @Test("50 phases with 1000 commands: the owner has under 80 MB, and under 2 % of a core while it waits for a guest or for a user")
    func owner() async throws {
        try await World.with { world in
            let program = try world.start([World.program("LongRun"), "run", "long-run", "--pause-before", "end"])
            let run = try await world.run(of: program)
            let owner = try await run.owner()

            _ = try await run.wait(for: "the wait begins") { Self.change($0, "wait", .started) }
            let waiting = try ProcessorTime(of: owner)
            let waited = try await run.wait(for: "the wait is over") { Self.change($0, "wait", .passed) }
            let inWait = try waiting.share()
            // A wait that hardly asks costs nothing.
            let tries = waited.detail.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
            #expect((waited.seconds ?? 0) >= 20 && tries >= 20, "\(tries) tries in \(waited.seconds ?? 0) s")

            try await run.wait(for: .paused)
            let pausing = try ProcessorTime(of: owner)
            try await Poll.until("some seconds are over", every: .milliseconds(100)) {
                pausing.elapsed > .seconds(10) ? () : nil
            }
            let inPause = try pausing.share()
            let peak = try Self.peak(of: owner)

            let events = run.events()
            let commands = events.filter { if case .command(let command) = $0.kind { command.command.hasPrefix("seq ") } else { false } }
            let phases = events.compactMap { event in
                if case .phase(let change) = event.kind, change.phase.hasPrefix("commands "), change.state == .passed {
                    change
                } else {
                    nil
                }
            }
            #expect(commands.count == 1000 && phases.count == 50)
            let seconds = phases.compactMap(\.seconds).reduce(0, +)
            let text = { (share: Double) in String(format: "%.2f %%", 100 * share) }
            print(
                "long run: 1000 commands in \(String(format: "%.1f", seconds)) s; owner at most \(peak) kB; of a core \(text(inWait)) in a wait (\(tries) tries), \(text(inPause)) paused"
            )
            #expect(peak < 80_000_000 / 1024, "the owner had \(peak) kB at most")
            #expect(inWait < 0.02, "in a wait it used \(text(inWait)) of a core")
            #expect(inPause < 0.02, "paused it used \(text(inPause)) of a core")

            #expect(try await world.start([World.program("LongRun"), "phase", "continue", run.identifier]).wait() == .exited(0))
            let end = ContinuousClock.now
            #expect(try await program.wait() == .exited(0), "\(program.stderr)")
            try await run.settle(since: end, limit: .seconds(7), case: "the end of a long run")
        }
    }

    private static func change(_ event: LabEvent, _ phase: String, _ state: LabEvent.PhaseState) -> LabEvent.PhaseChange? {
        if case .phase(let change) = event.kind, change.phase == phase, change.state == state { return change }
        return nil
    }

    /// The most memory that a process had, in kB.
    private static func peak(of process: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.filter(\.isNumber)))
    }
}

/// The processor time of a process from a moment on, without its children's.
private struct ProcessorTime {
    private let process: Int32
    private let ticks: Int
    private let begin: ContinuousClock.Instant

    init(of process: Int32) throws {
        self.process = process
        ticks = try Self.ticks(process)
        begin = .now
    }

    var elapsed: Duration { begin.duration(to: .now) }

    /// How much of a core it used since then, from 0.
    func share() throws -> Double {
        let seconds = Double(try Self.ticks(process) - ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
        return seconds / (elapsed / .seconds(1))
    }

    /// User and system time: fields 14 and 15 of proc_pid_stat(5), counted behind the name, which may have spaces in it.
    private static func ticks(_ process: Int32) throws -> Int {
        let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
        return try #require(Int(fields[11])) + #require(Int(fields[12]))
    }
}
