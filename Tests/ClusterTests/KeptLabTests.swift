import Foundation
import Testing

/// A lab that stays after its scenario.
@Suite("A kept lab", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct KeptLabTests {
    @Test("survives its viewer, answers three shells at once, and is taken over by another build without a guest noticing")
    func takeover() async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "two-nodes", "--keep"])
            try #require(outcome.code == 0, "\(outcome.stderr)")
            let run = outcome.run

            // Three shells at once, each a second long.
            let begin = ContinuousClock.now
            try await withThrowingTaskGroup(of: String.self) { group in
                for number in 1...3 {
                    group.addTask { try await command.succeed("execute", run, "a", "--", "sleep 2; echo shell \(number)") }
                }
                var answers: Set<String> = []
                for try await answer in group { answers.insert(answer) }
                #expect(answers == ["shell 1\n", "shell 2\n", "shell 3\n"])
            }
            let together = begin.duration(to: .now)
            let one = try await ContinuousClock().measure { try await command.succeed("execute", run, "a", "--", "sleep 2") }
            #expect(together < one * 2, "three took \(together), one \(one)")

            // A counter, and a stream from a to b that prints what arrives.
            try await command.succeed(
                "execute", run, "b", "--",
                "(nc -l -p 7100 >/tmp/stream) </dev/null >/dev/null 2>&1 & while ! grep -q :1BBC /proc/net/tcp6 /proc/net/tcp; do sleep 0.1; done"
            )
            try await command.succeed(
                "execute", run, "a", "--",
                """
                (exec 3<>/dev/tcp/192.168.1.2/7100; i=0; while :; do i=$((i + 1)); echo $i >&3 || exit; echo $i >/tmp/counter; sleep 0.05; done) \
                </dev/null >/dev/null 2>&1 &
                """)
            func state() async throws -> (boots: [String], uptime: Double, counter: Int, arrived: [Int]) {
                let boots = try await [
                    command.succeed("execute", run, "a", "--", "cat /proc/sys/kernel/random/boot_id"),
                    command.succeed("execute", run, "b", "--", "cat /proc/sys/kernel/random/boot_id"),
                ]
                let uptime = try await command.succeed("execute", run, "a", "--", "cut -d ' ' -f 1 /proc/uptime")
                // It is empty while the next number is written.
                let counter = try await command.succeed(
                    "execute", run, "a", "--", "while c=$(cat /tmp/counter); [ -z \"$c\" ]; do :; done; echo $c")
                let arrived = try await command.succeed("execute", run, "b", "--", "cat /tmp/stream")
                return (
                    boots, Double(uptime.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0,
                    Int(counter.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0,
                    arrived.split(separator: "\n").dropLast().compactMap { Int($0) }
                )
            }
            let before = try await state()
            let owner = try await Self.owner(command, run)

            // Another build of the same sources: the executable with a byte more.
            let rebuilt = command.state + "/rebuilt"
            try FileManager.default.copyItem(atPath: command.executable, toPath: rebuilt)
            let file = try FileHandle(forWritingTo: URL(filePath: rebuilt))
            try file.seekToEnd()
            try file.write(contentsOf: Data([0]))
            try file.close()
            var other = command
            other.executable = rebuilt
            try await other.succeed("takeover", run)

            let after = try await state()
            #expect(after.boots == before.boots)
            #expect(after.uptime > before.uptime)
            #expect(after.counter > before.counter)
            #expect(after.arrived.count > before.arrived.count)
            #expect(after.arrived == Array(1...after.arrived.count), "numbers are missing in the stream")
            let newOwner = try await Self.owner(command, run)
            #expect(newOwner.pid == owner.pid)
            #expect(newOwner.state == "kept")
            #expect(try command.events(run).contains { $0["type"] as? String == "takeover" })
            let sequence = try command.events(run).compactMap { $0["seq"] as? Int }
            #expect(Set(sequence).count == sequence.count && sequence == sequence.sorted(), "the events' numbers go on")
            let result = try String(contentsOfFile: command.path(run) + "/result.json", encoding: .utf8)
            #expect(result.contains("\"passed\"") && result.contains("reachability"))

            // What came over is the new owner's: it ends with it.
            try await command.succeed("down", run)
            #expect(try await command.succeed("ps").contains(run) == false)
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(owner.qemu)/root"))
        }
    }

    @Test("is not taken over while a command runs for longer than the wait, nor by what is no vmlab; nothing happens to it")
    func refused() async throws {
        try await CommandLine.with { command in
            let run = try await command.run(["run", "many-nodes", "--nodes", "2", "--keep"]).run
            async let running = command.run(["execute", run, "n1", "--", "touch /tmp/begun; sleep 6; echo done"])
            try await command.succeed("execute", run, "n1", "--timeout", "60", "--", "while [ ! -e /tmp/begun ]; do sleep 0.1; done")
            let busy = try await command.run(["takeover", run, "--timeout", "0.2"])
            #expect(busy.code == 75)
            #expect(busy.stderr.contains("1 commands still run"))
            #expect(try await running.stdout == "done\n")

            try await command.succeed("power", run, "n2", "reboot")
            #expect(try await command.succeed("execute", run, "n2", "--", "echo up") == "up\n")
            let table = try await command.succeed("ps", "--json")
            #expect(table.contains("\"boot\" : 2"))
        }
    }

    private struct Row: Decodable {
        struct Node: Decodable { var pid: Int? }
        var run: String
        var state: String
        var pid: Int?
        var nodes: [Node]
    }

    private static func owner(_ command: CommandLine, _ run: String) async throws -> (pid: Int, state: String, qemu: Int) {
        let rows = try JSONDecoder().decode([Row].self, from: Data(try await command.succeed("ps", "--json").utf8))
        let row = try #require(rows.first { $0.run == run })
        return (try #require(row.pid), row.state, row.nodes.first?.pid ?? 0)
    }
}
