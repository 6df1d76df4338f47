import Foundation
import Testing

/// The verbs that ask systemd.
@Suite("Verbs of units and the journal, on labs", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct JournalVerbTests {
    private static let calls = [
        VerbCall(words: ["wait", "unit", "RUN", "a", "systemd-journald.service"], stderr: "a: unit systemd-journald.service is active ("),
        VerbCall(words: ["wait", "journal", "RUN", "a", "edge [0-9]+ ready"], stderr: "a: the journal says /edge [0-9]+ ready/ ("),
        VerbCall(
            words: ["wait", "journal", "RUN", "a", "it broke", "--unit", "broken.service"],
            stderr: "a: the journal of broken.service says /it broke/ ("),
        VerbCall(
            words: ["wait", "unit", "RUN", "a", "broken.service"], code: 1, stderr: "it broke",
            what: "can no longer come: a: unit broken.service is active"),
        VerbCall(
            words: ["wait", "unit", "RUN", "a", "none.service"], code: 1, stderr: "not-found",
            what: "can no longer come: a: unit none.service is active"),
        .late(["wait", "unit", "RUN", "a", "slow.service"], "a: unit slow.service is active"),
        .late(
            ["wait", "journal", "RUN", "a", "edge 42 ready", "-u", "broken.service"],
            "a: the journal of broken.service says /edge 42 ready/"),
    ]

    @Test("units and the journal: success, failure with the unit's own words, time-out, Ctrl-C, the guest's end")
    func systemd() async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "two-nodes", "--image", "debian", "--until", "boot", "--keep"])
            try #require(outcome.code == 0, "\(outcome.stderr)")
            let run = outcome.run
            try await command.succeed(
                "execute", run, "a", "--",
                """
                echo edge 42 ready | systemd-cat -t edge
                systemd-run --quiet --unit=broken sh -c 'echo it broke; exit 3'
                systemd-run --quiet --no-block --unit=slow --property=Type=notify sleep 600
                """)
            let begin = ContinuousClock.now
            for call in Self.calls { try await call.check(command, run) }
            #expect(begin.duration(to: .now) < .seconds(240), "what can no longer come is not waited for")

            let lines = try await command.succeed("journal", run, "a", "-u", "broken.service", "-n", "20")
            #expect(lines.contains("it broke") && !lines.contains("edge 42 ready"), "\(lines)")
            struct Message: Decodable { var MESSAGE: String }
            let last = try await command.succeed("journal", run, "a", "-u", "broken.service", "-n", "2", "--json")
            let messages = try last.split(separator: "\n").map { try JSONDecoder().decode(Message.self, from: Data($0.utf8)).MESSAGE }
            #expect(messages.count == 2, "\(last)")

            let followed = try await command.interrupt(["journal", run, "a", "-f", "-n", "0"]) { output in
                try await Self.say("edge 43 ready", until: output, command, run)
            }
            #expect(followed.code == 130 && !followed.stdout.contains("edge 42 ready"), "\(followed.stdout)")
            try await command.succeed("wait-until-fails", run, "a", "--timeout", "10", "--", "pgrep -x journalctl")

            async let ended = command.run(["journal", run, "a", "-f"])
            try await command.succeed("wait-until-succeeds", run, "a", "--", "pgrep -x journalctl")
            try await command.succeed("power", run, "a", "powerCut")
            let lost = try await ended
            #expect(lost.code == 1 && lost.stdout.contains("edge 43 ready") && lost.stderr.contains("error: "), "\(lost.stderr)")
        }
    }

    /// Writes a message to the journal when somebody follows it, and waits until it stands in a file of the host.
    private static func say(_ text: String, until output: String, _ command: CommandLine, _ run: String) async throws {
        try await command.succeed("wait-until-succeeds", run, "a", "--", "pgrep -f 'journalctl.*--follow'")
        try await command.succeed("execute", run, "a", "--", "echo \(text) | systemd-cat -t edge")
        var shell = command
        shell.executable = "/usr/bin/timeout"
        try await shell.succeed("60", "sh", "-c", #"until grep -q "$0" "$1"; do sleep 0.1; done"#, text, output)
    }
}
