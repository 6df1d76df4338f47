import Foundation
import Testing

/// The waits and checks of scenarios as verbs, on labs that stay.
@Suite("Verbs of waits and checks, on labs", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct CallVerbTests {
    private static let calls = [
        VerbCall(words: ["succeed", "RUN", "n1", "--", "echo out; echo err >&2"], stdout: "out\n", stderr: "err\n"),
        VerbCall(
            words: ["succeed", "RUN", "n1", "--", "echo why >&2; exit 7"], code: 1, stderr: "why\n",
            what: "n1: a command failed: exit 7: 'echo why >&2; exit 7'"),
        VerbCall(words: ["fail", "RUN", "n1", "--", "test", "-e", "/none"]),
        VerbCall(
            words: ["fail", "RUN", "n1", "--", "true"], code: 1, stderr: "after 0.",
            what: "n1: a command succeeded that should fail: exit 0: 'true'"),
        VerbCall(words: ["wait-until-succeeds", "RUN", "n1", "--", "test -e /tmp/later"], stderr: "n1: "),
        VerbCall(words: ["wait-until-fails", "RUN", "n1", "--", "test -e /none"], stderr: "1 try"),
        VerbCall(words: ["wait", "port", "RUN", "n1", "8080"], stderr: "n1: port 8080 is open ("),
        VerbCall(words: ["wait", "closed-port", "RUN", "n1", "8081"], stderr: "n1: "),
        VerbCall(words: ["wait", "tcp", "RUN", "n2", "192.168.1.1", "8080"], stderr: "n2: "),
        VerbCall(
            words: ["wait", "http", "RUN", "n2", "http://192.168.1.1:8080/health", "--body", "ok"],
            stderr: "answers with status 200 and 'ok'"),
        VerbCall(
            words: ["wait", "http", "RUN", "n2", "http://192.168.1.1:8080/none", "--status", "404"], stderr: "answers with status 404"),
        VerbCall(words: ["wait", "file", "RUN", "n1", "/tmp/later"], stderr: "n1: the file /tmp/later exists ("),
        VerbCall(words: ["wait", "console", "RUN", "n1", "edge [0-9]+ ready"], stderr: " lines)"),
        VerbCall(
            words: ["fail", "RUN", "n1", "--", "no-such-program"], code: 1, stderr: "not found",
            what: "n1: a command that should fail could not be run: exit 127: 'no-such-program'"),
        VerbCall(
            words: ["succeed", "RUN", "n1", "--timeout", "1", "--", "sleep 60"], code: 1, stderr: "after 1.",
            what: "n1: a command failed: timed out after 1.0 seconds: 'sleep 60'"),
        VerbCall(
            words: ["fail", "RUN", "n1", "--timeout", "1", "--", "sleep 60"], code: 1, stderr: "after 1.",
            what: "n1: a command that should fail did not end: timed out after 1.0 seconds: 'sleep 60'"),
        .late(["wait-until-succeeds", "RUN", "n1", "--", "test -e /none"], "n1: 'test -e /none' succeeds"),
        .late(["wait-until-fails", "RUN", "n1", "--", "test -e /srv"], "n1: 'test -e /srv' fails"),
        .late(["wait", "port", "RUN", "n1", "8081"], "n1: port 8081 is open"),
        .late(["wait", "closed-port", "RUN", "n1", "8080"], "n1: port 8080 is closed"),
        .late(["wait", "tcp", "RUN", "n2", "192.168.1.1", "8081"], "n2: TCP 192.168.1.1:8081 can be connected to"),
        .late(
            ["wait", "http", "RUN", "n2", "http://192.168.1.1:8080/health", "--body", "nok"],
            "n2: http://192.168.1.1:8080/health answers with status 200 and 'nok'"),
        .late(["wait", "file", "RUN", "n1", "/none"], "n1: the file /none exists"),
        .late(["wait", "console", "RUN", "n1", "never"], "n1: the console says /never/"),
        VerbCall(words: ["wait", "console", "RUN", "n1", "["], code: 2, stderr: "character class", what: "'[' is no regular expression"),
        VerbCall(
            words: ["wait", "http", "RUN", "n1", "ftp://n2/"], code: 2, stderr: "http://HOST[:PORT]/PATH",
            what: "'ftp://n2/' is no URL that can be waited for"),
        VerbCall(
            words: ["wait", "unit", "RUN", "n1", "ssh.service"], code: 1, stderr: "the guest has no systemctl",
            what: "could not ask: n1: unit ssh.service is active"),
        VerbCall(
            words: ["wait", "journal", "RUN", "n1", "."], code: 1, stderr: "the guest has no journalctl",
            what: "could not ask: n1: the journal says /./"),
        VerbCall(words: ["wait", "port", "RUN", "n3", "1"], code: 2, stderr: "the lab has n1, n2", what: "there is no node 'n3'"),
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
            for call in Self.calls { try await call.check(command, run) }

            let journal = try await command.run(["journal", run, "n1"])
            #expect(journal.code == 1 && journal.stderr.hasPrefix("error: n1 has no journal\n"))

            for verb in ["succeed", "wait-until-succeeds"] {
                let ended = try await command.interrupt([verb, run, "n1", "--", "sleep 777"]) { _ in
                    try await command.succeed("wait-until-succeeds", run, "n1", "--", "ps | grep '[s]leep 777'")
                }
                #expect(ended.code == 130 && ended.stderr.contains("SIGINT"), "\(ended.stderr)")
                try await command.succeed("wait-until-fails", run, "n1", "--timeout", "10", "--", "ps | grep '[s]leep 777'")
            }
        }
    }

    @Test("a guest that is lost, or a lab that goes down, ends the wait and is named")
    func loss() async throws {
        try await CommandLine.with { command in
            let outcome = try await command.run(["run", "many-nodes", "--nodes", "2", "--until", "boot", "--keep"])
            try #require(outcome.code == 0, "\(outcome.stderr)")
            let run = outcome.run
            for (verb, node, what) in [
                ("wait-until-succeeds", "n1", "error: n1 is lost: it is off"), ("succeed", "n2", "error: "),
            ] {
                let check = "echo $$ >/tmp/asked; sleep 600"
                async let ended = command.run([verb, run, node, "--timeout", "600", "--", check])
                try await command.succeed("wait", "file", run, node, "/tmp/asked")
                let begin = ContinuousClock.now
                try await command.succeed("power", run, node, "powerCut")
                let lost = try await ended
                #expect(begin.duration(to: .now) < .seconds(20), "\(verb) did not end with its guest")
                #expect(lost.code == 1 && lost.stderr.hasPrefix(what) && lost.stderr.contains("it is off"), "\(lost.stderr)")
                let off = try await command.run(["succeed", run, node, "--", "true"])
                #expect(off.code == 1 && off.stderr.hasPrefix("error: \(node) is off"), "\(off.stderr)")
            }
            try await command.succeed("power", run, "n1", "start")
            async let ended = command.run(["wait-until-succeeds", run, "n1", "--timeout", "600", "--", "echo >/tmp/again; false"])
            try await command.succeed("wait", "file", run, "n1", "/tmp/again")
            try await command.succeed("down", run)
            let down = try await ended
            #expect(down.code == 1 && down.stderr.contains("error: "), "\(down.stderr)")
            let gone = try await command.run(["wait", "file", run, "n1", "/", "--json"])
            #expect(gone.code == 1 && gone.stderr.hasPrefix("error: the lab of run \(run) is not there"), "\(gone.stderr)")
            #expect(gone.stdout.contains(#""passed":false"#))
        }
    }
}
