import Foundation
import Glibc
import LabEvents
import Reporting
import Testing

/// `VMLAB_SOAK_KILLS` sets how many, `VMLAB_SEED` the first one's number.
@Suite("Random kills", .tier(.cluster), .serialized)
struct SoakTests {
    private static let environment = ProcessInfo.processInfo.environment
    static let kills = environment["VMLAB_SOAK_KILLS"].flatMap { UInt64($0) } ?? (environment["VMLAB_SOAK"] == "1" ? 1000 : 3)
    static let seed = environment["VMLAB_SEED"].flatMap { UInt64($0) } ?? 1

    @Test("Nothing is left after any of them")
    func random() async throws {
        print("\(Self.kills) random kills, seed \(Self.seed); kill N alone: VMLAB_SOAK_KILLS=1 VMLAB_SEED=N")
        var table = KillTable()
        for number in Self.seed..<Self.seed + Self.kills {
            let kill = RandomKill(number: number)
            do {
                let (seconds, remark) = try await Self.measure(kill)
                table.add(kill.name, seconds, isGood: true)
                print(
                    "kill \(number): \(kill.name) after \(kill.delay)\(kill.isKept ? " of a kept lab" : ""): \(remark), "
                        + String(format: "%.2f s", seconds))
            } catch {
                table.add(kill.name, 0, isGood: false)
                Issue.record("kill \(number): \(kill.name) after \(kill.delay)\(kill.isKept ? " of a kept lab" : ""): \(error)")
            }
        }
        print(table.text)
    }

    /// Kills and looks.
    ///
    /// - Returns: the seconds until nothing was left, and what the run said of it.
    private static func measure(_ kill: RandomKill) async throws -> (seconds: Double, remark: String) {
        try await World.with { world in
            let words = ["run", "two-nodes"] + (kill.isKept ? ["--keep-on-failure", "--timeout", "1"] : [])
            let viewer = try world.start([World.vmlab] + words)
            let run = try await world.run(of: viewer)
            try await Task.sleep(for: kill.delay)
            var begin = ContinuousClock.now
            let wasAlive = try await strike(kill, viewer, run)
            var limit = Duration.seconds(kill.signal == SIGKILL ? 5 : 7)
            var programs = [viewer]
            switch wasAlive || kill.victim == .viewer ? ending(kill, run) : .itself {
            case .itself: break
            case .down:
                begin = .now
                limit = .seconds(7)
                programs.append(try world.vmlab("down", run.identifier))
            case .ownerKill:
                _ = try await run.process("watchdog", "watchdog", besides: try await run.process("watchdog", "watchdog"))
                begin = .now
                Glibc.kill(try await run.owner(), SIGKILL)
            }
            func left() -> [String] { programs.filter { $0.end == nil }.map { "program \($0.words)" } + run.leftovers() }
            _ = try? await Poll.until("nothing is left", limit, every: .milliseconds(10)) { left().isEmpty ? true : nil }
            let seconds = begin.duration(to: .now) / .seconds(1)
            let rest = left()
            guard rest.isEmpty else { throw Program.Failure(description: "after \(limit) there is left: \(rest)") }
            guard let outcome = try run.result().outcome else { throw Program.Failure(description: "result.json has no outcome") }
            return (seconds, "\(wasAlive ? "" : "too late, ")\(outcome.rawValue)")
        }
    }

    /// Sends the signal.
    ///
    /// - Returns: whether there still was somebody to get it.
    private static func strike(_ kill: RandomKill, _ viewer: Program, _ run: LabRun) async throws -> Bool {
        let pid: Int32?
        switch kill.victim {
        case .viewer: pid = viewer.end == nil ? viewer.pid : nil
        case .owner: pid = run.isLocked ? try await run.owner() : nil
        case .watchdog: pid = try await run.process("watchdog", "watchdog")
        case .lan: pid = try await run.process("switch", "lan")
        case .machine: pid = try await run.process("qemu", kill.node)
        }
        // What is recorded may have ended; its number is nobody else's yet if the process still is the run's.
        guard let pid, pid == viewer.pid || HostProcess(pid: pid)?.names(run.identifier) == true else { return false }
        Glibc.kill(pid, kill.signal)
        return true
    }

    /// What ends the lab after a kill.
    private enum Ending { case itself, down, ownerKill }

    private static func ending(_ kill: RandomKill, _ run: LabRun) -> Ending {
        let states = run.events().compactMap { event -> LabEvent.LabState? in
            if case .lab(let change) = event.kind { change.state } else { nil }
        }
        // It goes on without what was killed, or as if nothing had happened; its end must be as clean as any.
        let isKept = states.contains(.kept) && !states.contains(.tearingDown)
        let isAlive = run.isLocked && !states.contains(.tearingDown)
        switch kill.victim {
        case .owner: return .itself
        case .viewer: return isKept ? .down : .itself
        case .machine: return isKept ? .down : .itself
        // A vde_switch goes on after SIGHUP.
        case .lan: return isKept || (isAlive && kill.signal == SIGHUP) ? .down : .itself
        // It hears no signal but this one.
        case .watchdog: return !isAlive ? .itself : kill.signal == SIGKILL ? .ownerKill : .down
        }
    }
}

/// What the kills came to, by victim and signal.
private struct KillTable {
    private struct Row {
        var (count, failures, slowest, sum) = (0, 0, 0.0, 0.0)
    }

    private var rows: [String: Row] = [:]

    mutating func add(_ name: String, _ seconds: Double, isGood: Bool) {
        var row = rows[name] ?? Row()
        (row.count, row.failures) = (row.count + 1, row.failures + (isGood ? 0 : 1))
        (row.slowest, row.sum) = (max(row.slowest, seconds), row.sum + seconds)
        rows[name] = row
    }

    var text: String {
        func line(_ cells: [String]) -> String {
            cells.enumerated().map { index, cell in
                let pad = String(repeating: " ", count: max(0, (index == 0 ? 18 : 9) - cell.count))
                return index == 0 ? cell + pad : pad + cell
            }.joined()
        }
        let body = rows.sorted { $0.key < $1.key }.map { name, row in
            line(
                [name, "\(row.count)", "\(row.failures)"] + [row.sum / Double(row.count), row.slowest].map { String(format: "%.2f s", $0) })
        }
        return ([line(["victim, signal", "kills", "failed", "mean", "slowest"])] + body).joined(separator: "\n")
    }
}
