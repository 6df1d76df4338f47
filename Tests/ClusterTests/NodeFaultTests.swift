import Foundation
import Testing
import VMLab

/// Faults of nodes by their verbs, on a kept lab of two small guests.
@Suite("Faults of nodes", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct NodeFaultTests {
    /// One fault as a person injects it, and what a guest sees of it.
    private struct Case {
        var words: [String]
        /// What the node needs to have for it.
        var before = ":"
        /// The node that sees it.
        var on = "a"
        /// Succeeds there while the fault is open.
        var during: String
        /// Succeeds there once it is healed.
        var after: String
    }

    private static let read = "dd if=/dev/vda of=/dev/null bs=4096 count=1 iflag=direct"
    private static let ping = "ping -c 1 -W 1 192.168.1.1"
    private static let available = "awk '/MemAvailable/ { exit !($2 OP) }' /proc/meminfo"
    private static func clock(_ shift: Int) -> String {
        let expected = Int(Date().timeIntervalSince1970) + shift
        return "vd=$(date +%s); [ $vd -ge \(expected - 4) ] && [ $vd -le \(expected + 60) ]"
    }

    private static let cases = [
        Case(words: ["power-cut", "a"], on: "b", during: "! \(ping)", after: ping),
        Case(words: ["freeze", "a"], on: "b", during: "! \(ping)", after: ping),
        Case(words: ["starve", "a", "--share", "0.2"], during: "true", after: "true"),
        Case(
            words: ["memory", "a", "--leave", "24"], during: available.replacing("OP", with: "< 40000"),
            after: available.replacing("OP", with: "> 60000")),
        Case(
            words: ["disk-full", "a", "--folder", "/data"], during: "! { head -c 200000 /dev/zero >/data/x && sync /data/x; }",
            after: "head -c 200000 /dev/zero >/data/x && sync && rm /data/x && ! ls /data/.vmlab*"),
        Case(words: ["slow-disk", "a", "--requests", "10"], during: "true", after: "true"),
        Case(words: ["disk-errors", "a", "--of", "reads"], during: "! \(read)", after: read),
        Case(
            words: ["disk-errors", "a"], during: "echo x >/data/x$$; sync; ! : >/data/y",
            after: "echo x >/data/x && sync && \(read)"),
        Case(
            words: ["kill", "a", "sleep", "--every", "0.3"],
            before: "(while :; do sleep 1000; echo >>/tmp/kills; done) </dev/null >/dev/null 2>&1 &",
            during: "[ $(wc -l </tmp/kills) -ge 3 ]", after: "pidof sleep"),
    ]

    @Test("Each fault by its verb: seen in a guest and healed; a takeover keeps it; what makes no sense is refused")
    func verbs() async throws {
        try await CommandLine.with { command in
            let first = try await command.run(["run", "two-nodes", "--keep", "--until", "network"])
            try #require(first.code == 0, "\(first.stderr)")
            let run = first.run
            func fault(_ words: [String]) async throws -> CommandLine.Outcome {
                try await command.run(["node", "fault", words[0], run] + words.dropFirst())
            }
            for (number, one) in Self.cases.enumerated() {
                try await command.succeed("execute", run, "a", "--", one.before)
                let begin = ContinuousClock.now
                let injected = try await fault(one.words)
                let effect = ContinuousClock.now
                #expect(injected.code == 0 && injected.stdout.contains("fault \(number + 1): a: "), "\(one.words): \(injected.stderr)")
                #expect(try await command.succeed("faults", run).contains("\(number + 1) "))
                try await command.succeed("wait-until-succeeds", run, one.on, "--timeout", "20", "--", one.during)
                let healing = ContinuousClock.now
                let healed = try await command.run(["heal", run])
                print("\(one.words): effect \(effect - begin), heal \(ContinuousClock.now - healing)\n\(injected.stdout)")
                #expect(healed.code == 0 && healed.stdout == "no fault is open\n", "\(one.words): \(healed.stderr)")
                try await command.succeed("succeed", run, one.on, "--", one.after)
            }
            for shift in [-86400, 86400] {
                let injected = try await fault(["clock", "a", "--by", "\(shift)"])
                #expect(injected.code == 0, "\(injected.stderr)")
                try await command.succeed("succeed", run, "a", "--", Self.clock(shift))
                try await command.succeed("heal", run)
                try await command.succeed("succeed", run, "a", "--", Self.clock(0))
            }
            #expect(try await command.succeed("net", "show", run).contains("all as planned"))

            let brief = try await fault(["freeze", "b", "--for", "0.5"])
            #expect(brief.code == 0 && brief.stdout.contains("healed"), "\(brief.stderr)")
            #expect(try await command.succeed("net", "faults", run) == "no fault is open\n")
            try await refusals(command, run, fault)
            try await takeover(command, run)
        }
    }

    private func refusals(
        _ command: CommandLine, _ run: String, _ fault: ([String]) async throws -> CommandLine.Outcome
    ) async throws {
        try await command.succeed("node", "fault", "freeze", run, "b")
        for (words, says) in [
            (["freeze", "b"], "has such a fault already"), (["memory", "b"], "b is paused"), (["freeze", "c"], "there is no node 'c'"),
            (["slow-disk", "a"], "at least 16384 bytes"), (["power-cut", "c"], "there is no node 'c'"),
            (["starve", "a", "--share", "2"], "no share of processors"), (["memory", "a", "--leave", "4000"], "memory left"),
            (["clock", "a", "--by", "1"], "clock jump"), (["unit-failure", "a", "etcd"], "no service"),
            (["disk-full", "a", "--folder", "tmp"], "absolute path"), (["kill", "a", "a/b"], "no process"),
        ] {
            let refused = try await fault(words)
            #expect(refused.code == 2 && refused.stderr.contains(says), "\(words): \(refused.code) \(refused.stderr)")
        }
        let nobody = try await fault(["kill", "a", "nobody-has-this"])
        #expect(nobody.code == 1 && nobody.stderr.contains("no process of nobody-has-this runs"), "\(nobody.stderr)")
        try await command.succeed("heal", run)
    }

    /// What a machine is given must not be lost on the way to another owner, and a machine that stands still must not keep it from coming.
    private func takeover(_ command: CommandLine, _ run: String) async throws {
        try await command.succeed("node", "fault", "freeze", run, "b")
        for words in [
            ["starve", "a", "--share", "0.3"], ["memory", "a"], ["disk-full", "a", "--folder", "/data"], ["clock", "a", "--by", "-600"],
        ] {
            try await command.succeed(["node", "fault", words[0], run] + words.dropFirst())
        }
        try await command.succeed("takeover", run)
        let open = try await command.succeed("faults", run)
        for words in ["b: freeze", "30.0 % of the processors", "32 MiB of memory left", "/data is full", "clock 600 s behind"] {
            #expect(open.contains(words), "\(open)")
        }
        try await command.succeed("succeed", run, "a", "--", Self.clock(-600))
        let healed = try await command.run(["heal", run])
        #expect(healed.stdout == "no fault is open\n", "\(healed.stderr)")
        try await command.succeed("succeed", run, "b", "--", Self.ping)
        try await command.succeed("succeed", run, "a", "--", Self.clock(0))
        try await command.succeed("node", "fault", "power-cut", run, "a")
        try await command.succeed("takeover", run)
        #expect(try await command.succeed("faults", run).contains("a: power cut"))
        try await command.succeed("heal", run)
        try await command.succeed("succeed", run, "b", "--", Self.ping)
    }
}

extension CommandLine {
    /// Runs a verb that must succeed.
    @discardableResult
    fileprivate func succeed(_ arguments: [String]) async throws -> String {
        let outcome = try await run(arguments)
        try #require(outcome.code == 0, "\(arguments): \(outcome.code)\n\(outcome.stdout)\n\(outcome.stderr)")
        return outcome.stdout
    }
}
