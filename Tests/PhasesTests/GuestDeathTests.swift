import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import QEMU
import Synchronization
import Testing
import VMLab

@testable import Phases

/// A guest that goes away, stands still or starts again ends every wait, which names it.
@Suite("Guests lost in the middle of waits", .tier(.guest), .serialized, .timeLimit(.minutes(20)))
struct GuestDeathTests {
    /// What never comes in any guest.
    private static let anywhere: [NodeCondition] = [
        .succeeds("sleep 0.01; false"), .file("/never"), .openPort(9), .tcp("127.0.0.1", 9), .console("never said"),
    ]

    /// Starts waits, does something to the guest once all of them ask, and measures how long after it the last one ended.
    private func lose(_ node: Node, _ kinds: [NodeCondition] = anywhere, by action: () async throws -> Void) async throws
        -> (problems: [Problem], seconds: Double)
    {
        let long = Budget("long", .seconds(3600))
        let asking = Counter()
        let began = Condition("all ask") { asking.value >= 2 ? .yes() : .no() }
        return try await withThrowingTaskGroup(of: Problem.self) { group in
            for kind in kinds { group.addTask { await GuestLab.problem { try await node.wait(for: kind, long) } } }
            group.addTask {
                await GuestLab.problem {
                    try await during(node.condition(.succeeds("true"))) {
                        asking.add()
                        try await Task.sleep(for: .seconds(3600))
                    }
                }
            }
            group.addTask {
                asking.add()
                return await GuestLab.problem { try await node.succeed("sleep 7775") }
            }
            try await began.wait()
            try await action()
            let begin = ContinuousClock.now
            var problems: [Problem] = []
            while let problem = try await group.next() { problems.append(problem) }
            return (problems, begin.duration(to: .now).seconds)
        }
    }

    @Test("Paused, restarted, panicked: each wait ends within a second and says so")
    func lost() async throws {
        try await GuestLab.boot("mini") { node in
            let paused = try await lose(node) { try await node.pause() }
            #expect(paused.problems.count == 7 && paused.seconds < 1 * node.pace)
            #expect(paused.problems.allSatisfy { "\($0)".contains("paused") }, "\(paused.problems)")
            #expect(await GuestLab.problem { try await node.waitForConsole("x") }.what.contains("node is lost: it is paused"))
            try await node.resume()

            let rebooted = try await lose(node) {
                let boot = node.boot
                _ = try? await node.machine().shell.execute("reboot -f; sleep 100")
                try await Condition("it restarts") { node.boot > boot ? .yes() : .no() }.wait()
            }
            #expect(rebooted.seconds < 1 * node.pace)
            #expect(rebooted.problems.allSatisfy { "\($0)".contains("reboot") }, "\(rebooted.problems)")
            try await node.waitForShell()

            let panicked = try await lose(node) { _ = try? await node.machine().shell.execute("echo c >/proc/sysrq-trigger; sleep 100") }
            #expect(panicked.seconds < 1 * node.pace)
            #expect(panicked.problems.allSatisfy { "\($0)".contains("panicked") }, "\(panicked.problems)")
            #expect(panicked.problems.contains { $0.what.contains("waited for: node: the console says /never said/") })
        }
    }

    @Test("QEMU killed: each wait ends within a second with the signal")
    func killed() async throws {
        try await GuestLab.boot("mini") { node in
            let pid = try node.machine().guest.process.pid
            let killed = try await lose(node) { kill(pid, SIGKILL) }
            #expect(killed.seconds < 1 * node.pace)
            #expect(killed.problems.allSatisfy { "\($0)".contains("signal 9") }, "\(killed.problems)")
            #expect(await GuestLab.problem { try await node.waitForFile("/") }.what.contains("node is lost: it is lost"))
        }
    }

    @Test("With systemd: a unit, the journal, HTTP and the console, paused and killed: each wait ends within a second and names the guest")
    func systemd() async throws {
        try await GuestLab.boot("debian") { node in
            try await node.succeed(
                """
                mkdir -p /run/systemd/system
                printf '[Service]\\nType=notify\\nTimeoutStartSec=infinity\\nExecStart=/bin/sleep infinity\\n' >/run/systemd/system/never.service
                systemctl daemon-reload && systemctl start --no-block never.service
                """)
            let kinds: [(NodeCondition, String)] = [
                (.unit("never.service"), "unit never.service is active"), (.journal("never [s]aid"), "the journal says /never [s]aid/"),
                (.http("http://127.0.0.1:9/"), "http://127.0.0.1:9/ answers"), (.console("never said"), "the console says /never said/"),
            ]
            let pid = try node.machine().guest.process.pid
            for state in ["paused", "signal 9"] {
                let lost = try await lose(node, kinds.map(\.0)) {
                    if state == "paused" { try await node.pause() } else { kill(pid, SIGKILL) }
                }
                #expect(lost.seconds < 1 * node.pace, "\(state): \(lost.problems)")
                #expect(lost.problems.allSatisfy { "\($0)".contains(state) && "\($0)".contains("node") }, "\(lost.problems)")
                for (_, words) in kinds {
                    #expect(
                        lost.problems.contains { $0.what.contains("node is lost") && "\($0)".contains(words) },
                        "\(state): \(words): \(lost.problems)")
                }
                if node.state == .paused { try await node.resume() }
            }
        }
    }
}

/// Counts from any thread.
private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}
