import Foundation
import Testing

/// The waits and checks of scenarios as verbs, on labs that stay.
@Suite("Verbs of waits and checks, on labs", .tier(.cluster), .serialized, .timeLimit(.minutes(10)))
struct CallVerbTests {
    /// A verb, and what it comes to.
    private struct Call {
        /// The verb's words; RUN stands for the run.
        var words: [String]
        var code = 0
        /// What is in its standard output, for a verb without `--json`.
        var stdout = ""
        /// What its standard error has, the report of a wait among it.
        var stderr: String?
        /// What the error's `what` is in JSON; nil when there is none.
        var what: String?
    }

    /// What `--json` prints.
    private struct Outcome: Decodable {
        struct Problem: Decodable {
            var what: String
            var why: String?
            var `where`: String?
        }
        var passed: Bool
        var what: String
        var seconds: Double?
        var tries: Int?
        var exit: Int?
        var stdout: String?
        var stderr: String?
        var problem: Problem?
    }

    /// Makes a call twice, for people and for programs.
    private static func check(_ call: Call, _ command: CommandLine, _ run: String) async throws {
        let words = call.words.map { $0 == "RUN" ? run : $0 }
        let plain = try await command.run(words)
        #expect(plain.code == call.code, "\(words): \(plain.stderr)")
        #expect(plain.stdout == call.stdout, "\(words)")
        if let text = call.stderr {
            #expect(plain.stderr.contains(text), "\(words): \(plain.stderr)")
        } else {
            #expect(plain.stderr.isEmpty)
        }
        let flag = words.firstIndex(of: "--") ?? words.endIndex
        let json = try await command.run(words[..<flag] + ["--json"] + words[flag...])
        #expect(json.code == call.code, "\(words) --json")
        let outcome = try JSONDecoder().decode(Outcome.self, from: Data(json.stdout.utf8))
        #expect(outcome.passed == (call.code == 0))
        #expect(outcome.problem?.what == call.what, "\(words)")
        if let what = call.what {
            #expect(outcome.what == what)
            #expect(plain.stderr.contains("error: \(what)\n"), "\(words): \(plain.stderr)")
            // There is no source line to name.
            #expect(outcome.problem?.where?.contains(".swift") != true && outcome.problem?.where?.contains("client") != true)
        } else {
            #expect(outcome.seconds != nil && (outcome.tries ?? 1) >= 1)
        }
        if call.words[0] == "succeed", call.code == 0 { #expect(outcome.exit == 0 && outcome.stdout == call.stdout) }
    }

    private static let calls = [
        Call(words: ["succeed", "RUN", "n1", "--", "echo out; echo err >&2"], stdout: "out\n", stderr: "err\n"),
        Call(
            words: ["succeed", "RUN", "n1", "--", "echo why >&2; exit 7"], code: 1, stderr: "why\n",
            what: "n1: a command failed: exit 7: 'echo why >&2; exit 7'"),
        Call(words: ["fail", "RUN", "n1", "--", "test", "-e", "/none"]),
        Call(
            words: ["fail", "RUN", "n1", "--", "true"], code: 1, stderr: "after 0.",
            what: "n1: a command succeeded that should fail: exit 0: 'true'"),
        Call(words: ["wait-until-succeeds", "RUN", "n1", "--", "test -e /tmp/later"], stderr: "n1: "),
        Call(words: ["wait-until-fails", "RUN", "n1", "--", "test -e /none"], stderr: "1 try"),
        Call(words: ["wait", "port", "RUN", "n1", "8080"], stderr: "n1: port 8080 is open ("),
        Call(words: ["wait", "closed-port", "RUN", "n1", "8081"], stderr: "n1: "),
        Call(words: ["wait", "tcp", "RUN", "n2", "192.168.1.1", "8080"], stderr: "n2: "),
        Call(
            words: ["wait", "http", "RUN", "n2", "http://192.168.1.1:8080/health", "--body", "ok"],
            stderr: "answers with status 200 and 'ok'"),
        Call(words: ["wait", "http", "RUN", "n2", "http://192.168.1.1:8080/none", "--status", "404"], stderr: "answers with status 404"),
        Call(words: ["wait", "file", "RUN", "n1", "/tmp/later"], stderr: "n1: the file /tmp/later exists ("),
        Call(words: ["wait", "console", "RUN", "n1", "edge [0-9]+ ready"], stderr: " lines)"),
        Call(words: ["wait", "port", "RUN", "n3", "1"], code: 2, stderr: "the lab has n1, n2", what: "there is no node 'n3'"),
    ]

    @Test("each verb: it passes, fails with the scenario's error, and says both in JSON; Ctrl-C ends the command in the guest")
    func verbs() async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "many-nodes", "--nodes", "2", "--until", "network", "--keep"])
            try #require(outcome.code == 0, "\(outcome.stderr)")
            let run = outcome.run
            try await command.succeed(
                "execute", run, "n1", "--",
                """
                mkdir /srv; echo ok >/srv/health; httpd -p 8080 -h /srv; echo 'edge 42 ready' >/dev/ttyS0
                (sleep 2; touch /tmp/later) </dev/null >/dev/null 2>&1 &
                """)
            for call in Self.calls { try await Self.check(call, command, run) }

            let late = [
                ["wait-until-succeeds", run, "n1", "--timeout", "1", "--", "test -e /none"],
                ["wait", "port", run, "n1", "8081", "--timeout", "1"],
                ["wait", "closed-port", run, "n1", "8080", "--timeout", "1"],
                ["wait", "http", run, "n2", "http://192.168.1.1:8080/health", "--body", "nok", "--timeout", "1"],
                ["wait", "file", run, "n1", "/none", "--timeout", "1"], ["wait", "console", run, "n1", "never", "--timeout", "1"],
            ]
            for words in late {
                let outcome = try await command.run(words)
                #expect(outcome.code == 1)
                #expect(
                    outcome.stderr.hasPrefix("error: budget 'wait' is used up: n1: ") || words[1...].contains("n2"), "\(outcome.stderr)")
                #expect(outcome.stderr.contains("budget 'wait' 1.0 s") && outcome.stderr.contains("is ready (boot 1)"), "\(outcome.stderr)")
            }
            let journal = try await command.run(["journal", run, "n1"])
            #expect(journal.code == 1 && journal.stderr.hasPrefix("error: n1 has no journal\n"))

            // SIGINT, as Ctrl-C sends it.
            var interrupted = command
            interrupted.executable = "/usr/bin/timeout"
            let words = ["--preserve-status", "--signal", "INT", "4", command.executable]
            for verb in ["succeed", "wait-until-succeeds"] {
                let ended = try await interrupted.run(words + [verb, run, "n1", "--", "sleep 777"])
                #expect(ended.code == 130 && ended.stderr.contains("SIGINT"))
                try await command.succeed("wait-until-fails", run, "n1", "--timeout", "10", "--", "ps | grep '[s]leep 777'")
            }
        }
    }

    @Test("units and the journal, on a guest that has systemd")
    func systemd() async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "two-nodes", "--image", "debian", "--until", "boot", "--keep"])
            try #require(outcome.code == 0, "\(outcome.stderr)")
            let run = outcome.run
            try await command.succeed(
                "execute", run, "a", "--",
                "echo edge 42 ready | systemd-cat -t edge; systemd-run --quiet --unit=broken sh -c 'echo it broke; exit 3'")
            try await Self.check(
                Call(words: ["wait", "unit", "RUN", "a", "systemd-journald.service"], stderr: "is active ("), command, run)
            try await Self.check(
                Call(words: ["wait", "journal", "RUN", "a", "edge [0-9]+ ready"], stderr: "the journal says"), command, run)
            try await Self.check(
                Call(
                    words: ["wait", "journal", "RUN", "a", "it broke", "--unit", "broken.service"],
                    stderr: "the journal of broken.service says"), command, run)
            let begin = ContinuousClock.now
            try await Self.check(
                Call(
                    words: ["wait", "unit", "RUN", "a", "broken.service"], code: 1, stderr: "it broke",
                    what: "can no longer come: a: unit broken.service is active"), command, run)
            #expect(begin.duration(to: .now) < .seconds(50), "what can no longer come is not waited for")
            let late = try await command.run(["wait", "journal", run, "a", "never", "--timeout", "1"])
            #expect(late.code == 1 && late.stderr.hasPrefix("error: budget 'wait' is used up: a: "), "\(late.stderr)")

            let lines = try await command.succeed("journal", run, "a", "-u", "broken.service", "-n", "20")
            #expect(lines.contains("it broke") && !lines.contains("edge 42 ready"))
            struct Message: Decodable { var MESSAGE: String }
            let last = try await command.succeed("journal", run, "a", "-u", "broken.service", "-n", "1", "--json")
            #expect(try JSONDecoder().decode(Message.self, from: Data(last.utf8)).MESSAGE.isEmpty == false)

            var interrupted = command
            interrupted.executable = "/usr/bin/timeout"
            let words = ["--preserve-status", "--signal", "INT", "6", command.executable, "journal", run, "a", "-f", "-n", "0"]
            async let followed = interrupted.run(words)
            try await command.succeed("wait-until-succeeds", run, "a", "--", "pgrep -f 'journalctl.*--follow'")
            try await command.succeed("execute", run, "a", "--", "echo edge 43 ready | systemd-cat -t edge")
            let ended = try await followed
            #expect(ended.code == 130 && ended.stdout.contains("edge 43 ready") && !ended.stdout.contains("edge 42 ready"))
            try await command.succeed("wait-until-fails", run, "a", "--timeout", "10", "--", "pgrep -x journalctl")
        }
    }
}
