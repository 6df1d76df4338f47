import Foundation
import GuestShell
import SystemPackage
import Testing
import VMLab

/// Commands in a real guest, with bash and with busybox ash. One boot for each shell.
@Suite("Commands in a guest", .tier(.guest), .serialized)
struct CommandTests {
    @Test("What a command does to its shell is its own affair", arguments: [GuestShellOptions.Shell.automatic, .posix])
    func commands(_ kind: GuestShellOptions.Shell) async throws {
        try await GuestFixture.boot(shell: kind) { machine async throws in
            let shell = machine.shell
            try await statuses(shell)
            try await environment(shell)
            try await input(shell)
            try await limits(shell)
            try await strays(shell)
            try await hostileOutput(shell)
            try await files(shell)
        }
    }

    private func statuses(_ shell: GuestShell) async throws {
        struct Case {
            var command: String
            var outcome: CommandResult.Outcome
            var stdout = ""
        }
        let cases = [
            Case(command: "echo out; echo err >&2", outcome: .exited(0), stdout: "out\n"),
            Case(command: "exit 3", outcome: .exited(3)),
            Case(command: "exit 200", outcome: .exited(200)),
            Case(command: "exec echo replaced", outcome: .exited(0), stdout: "replaced\n"),
            Case(command: "exec sh -c 'kill -9 $$'", outcome: .signalled(9)),
            Case(command: "sh -c 'kill -9 $$'", outcome: .exited(137)),
            Case(command: "echo before; kill -9 $$; sleep 100; echo after", outcome: .signalled(9), stdout: "before\n"),
            Case(command: "echo before; kill -TERM $$; sleep 100", outcome: .signalled(15), stdout: "before\n"),
            Case(command: "kill -TERM 0; sleep 100", outcome: .signalled(15)),
            Case(command: "set -e; false; echo no", outcome: .exited(1)),
            Case(command: "exec <&-; read x || echo closed", outcome: .exited(0), stdout: "closed\n"),
            Case(command: "exec >&- 2>&-; exit 4", outcome: .exited(4)),
            Case(command: "trap 'exit 6' 0; exit 5", outcome: .exited(6)),
            Case(command: "echo one\necho 'two\nthree'", outcome: .exited(0), stdout: "one\ntwo\nthree\n"),
            Case(command: "cat <<'END'\n$HOME \\ '\nEND", outcome: .exited(0), stdout: "$HOME \\ '\n"),
            Case(command: "true &", outcome: .exited(0)),
            Case(command: "", outcome: .exited(0)),
        ]
        for item in cases {
            let result = try await shell.execute(item.command, timeout: .seconds(120))
            #expect(result.outcome == item.outcome, "\(item.command)")
            #expect(result.stdout.text == item.stdout, "\(item.command)")
            let next = try await shell.execute("echo next")
            #expect(next.output == "next", "after \(item.command)")
        }
        let unbalanced = try await shell.execute("echo 'unbalanced")
        #expect(unbalanced.outcome != .exited(0) && !unbalanced.stderr.bytes.isEmpty)
        #expect(try await shell.execute("echo next").output == "next")
        let both = try await shell.execute("echo out; echo err >&2")
        #expect(both.stderr.text == "err\n")
    }

    private func environment(_ shell: GuestShell) async throws {
        let result = try await shell.execute(
            #"printf '%s|' "$A" "$B_1"; pwd"#, environment: ["A": "it's $HOME\n\"x\"", "B_1": ""], directory: "/proc/self/"
        )
        #expect(result.stdout.text == "it's $HOME\n\"x\"||/proc/self\n")
        #expect(try await shell.execute("echo no", directory: "/nowhere").outcome != .exited(0))
        await #expect(throws: GuestShellError.self) { try await shell.execute("true", environment: ["1A": ""]) }
        await #expect(throws: GuestShellError.self) { try await shell.execute("echo \0") }
    }

    private func input(_ shell: GuestShell) async throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ ($0 >> 8)) }
        let echoed = try await shell.execute("cat", stdin: .bytes(bytes))
        #expect(echoed.stdout.bytes == bytes)
        // What is left unread must not reach the next command's input.
        let partial = try await shell.execute("head -c 3", timeout: .seconds(120), stdin: .bytes(Array(repeating: 65, count: 3_000_000)))
        #expect(partial.output == "AAA" && partial.succeeded)
        #expect(try await shell.execute("cat", stdin: .text("clean")).output == "clean")
        #expect(try await shell.execute("cat").stdout.bytes.isEmpty)
    }

    private func strays(_ shell: GuestShell) async throws {
        let start = ContinuousClock.now
        let left = try await shell.execute("sleep 600 & echo $!")
        #expect(left.succeeded && start.duration(to: .now) < .seconds(60))
        #expect(try await shell.execute("kill -0 \(left.output) && echo alive").output == "alive")
        _ = try await shell.execute("(sleep 1; echo STRAY; echo STRAY >&2) &")
        for number in 0..<50 {
            let result = try await shell.execute("echo \(number)")
            #expect(result.stdout.text == "\(number)\n" && result.stderr.bytes.isEmpty)
        }
        // More of them than there are ports: commands go on, and their own output stays whole.
        for number in 0..<14 {
            let result = try await shell.execute("setsid sleep 600 & echo holder \(number)")
            #expect(result.stdout.text == "holder \(number)\n")
        }
        #expect(try await shell.execute("echo out; echo err >&2; exit 9").outcome == .exited(9))
        _ = try await shell.execute("for p in $(pidof sleep); do kill $p; done")
        #expect(try await shell.execute("echo free").output == "free")
        let spooled = try await shell.execute("echo begun; sleep 7778", timeout: .seconds(1))
        #expect(spooled.outcome == .timedOut(after: .seconds(1)))
        #expect(spooled.stdout.text == "begun\n")
    }

    private func limits(_ shell: GuestShell) async throws {
        // Two seconds are allowed for ending the group on a host where a command that does nothing costs up to 20 ms, and in proportion on a slower one; it is
        // asked before and after, as the host's load changes.
        func idle() async throws -> Duration {
            var sum = Duration.zero
            for _ in 0..<5 { sum += try await shell.execute("true").duration }
            return sum / 5
        }
        let before = try await idle()
        let result = try await shell.execute("trap '' TERM; echo begun; sleep 7777 & sleep 7777", timeout: .seconds(3))
        #expect(result.outcome == .timedOut(after: .seconds(3)))
        #expect(result.stdout.text == "begun\n")
        let allowance = Duration.seconds(2) * max(1, max(before, try await idle()) / .milliseconds(20))
        #expect(result.duration < .seconds(3) + allowance)
        // The first shell obeys SIGTERM, its child does not.
        let nested = try await shell.execute("sh -c 'trap \"\" TERM; sleep 7777; sleep 7777'; echo after", timeout: .seconds(1))
        #expect(nested.outcome == .timedOut(after: .seconds(1)))
        let rest = try await shell.execute("ps | grep 'sleep 777[7]'")
        #expect(rest.output.isEmpty, "left behind: \(rest.output)")
    }

    private func hostileOutput(_ shell: GuestShell) async throws {
        // All that a command can see of the protocol, NULs, invalid UTF-8, and what the worker itself writes.
        let result = try await shell.execute(
            #"set; env; printf '\000\377\303\050\nready x 1\ndied x 9\nbusy output\nok 1\n'; tr '\000' '\n' </proc/$$/cmdline; cat /proc/$$/environ"#
        )
        #expect(result.succeeded)
        #expect(result.stdout.text.contains("busy output\nok 1\n"))
        #expect(result.stdout.bytes.contains(0) && result.stdout.bytes.contains(0xFF))
        #expect(try await shell.execute("echo still right").output == "still right")
    }

    private func files(_ shell: GuestShell) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/vmlab-files-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let content = Data((0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 9)) })
        try content.write(to: URL(filePath: folder + "/a"))
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: folder + "/a")
        let up = try await shell.upload(FilePath("\(folder)/a"), to: "/tmp/")
        #expect(up.bytes == content.count && up.mode == 0o750)
        #expect(try await shell.execute("sha256sum </tmp/a").output.hasPrefix(up.sha256))
        let down = try await shell.download("/tmp/a", to: FilePath("\(folder)/b"))
        #expect(down.sha256 == up.sha256 && down.mode == 0o750)
        #expect(try Data(contentsOf: URL(filePath: folder + "/b")) == content)
        try await shell.write(Array("short".utf8), to: "/tmp/short name's", mode: 0o600)
        #expect(try await shell.read("/tmp/short name's") == Array("short".utf8))
        await #expect(throws: GuestShellError.self) { try await shell.upload(FilePath("\(folder)/a"), to: "/nowhere/x") }
        await #expect(throws: GuestShellError.self) { try await shell.download("/nowhere", to: FilePath("\(folder)/c")) }
        #expect(!FileManager.default.fileExists(atPath: folder + "/c"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a", "b"])
    }
}
