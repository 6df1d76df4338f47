import Glibc
import GuestShell
import LabEvents
import Testing
import VMLab

@testable import Phases

/// Each wait in a guest without systemd; one boot.
@Suite("Waits in a guest", .tier(.guest), .serialized, .timeLimit(.minutes(20)))
struct GuestWaitTests {
    private static let short = Budget("test", .seconds(1))

    @Test("Commands, files, ports, connections, HTTP, the console: yes, no, could-not-ask, cancelled")
    func waits() async throws {
        try await GuestLab.boot("mini") { node in
            try await commands(node)
            try await succeeds(node)
            try await files(node)
            try await ports(node)
            try await connections(node)
            try await http(node)
            try await console(node)
            try await unaskable(node)
            try await cancellation(node)
            try await preWarm(node)
        }
    }

    private func commands(_ node: Node) async throws {
        #expect(try await node.succeed("echo $A", environment: ["A": "b"]).stdout.trimmed == "b")
        #expect(try await node.fail("exit 3").outcome == .exited(3))
        let failed = await GuestLab.problem { try await node.succeed("seq 20; echo bad >&2; exit 4", file: "F", line: 9) }
        #expect(failed.what == "node: a command failed: exit 4: 'seq 20; echo bad >&2; exit 4'" && failed.location == "F:9")
        #expect(failed.why?.contains("  11\n") == true && failed.why?.contains("  10\n") == false)
        #expect(failed.why?.hasSuffix("20\nstderr:\n  bad") == true)
        #expect(await GuestLab.problem { try await node.fail("echo fine") }.why?.contains("fine") == true)
        #expect(await GuestLab.problem { try await node.fail("nothing-like-this") }.what.contains("could not be run"))
        #expect(await GuestLab.problem { try await node.fail("sleep 7773", timeout: .seconds(1)) }.what.contains("did not end"))
    }

    private func succeeds(_ node: Node) async throws {
        async let report = node.waitUntilSucceeds("[ -e /tmp/go ]")
        try await node.succeed("sleep 0.5; >/tmp/go")
        #expect(try await report.tries > 1)
        let gone = try await node.waitUntilFails("[ ! -e /tmp/go ]")
        #expect(gone.observation == "exit 1" && gone.what == "node: '[ ! -e /tmp/go ]' fails")
        let late = await GuestLab.problem { try await node.waitUntilSucceeds("echo still closed; exit 5", Self.short, file: "F", line: 3) }
        #expect(late.what == "budget 'test' is used up: node: 'echo still closed; exit 5' succeeds" && late.location == "F:3")
        #expect(late.why?.contains("last answer: no: exit 5\nstill closed") == true)
        #expect(late.why?.contains("node is ready (boot 1)") == true)
        let stays = await GuestLab.problem {
            try await assertStays(node.condition(.succeeds("[ -e /tmp/go ]")), for: .seconds(60)).tries
                + node.succeed("true").stdout.bytes.count
        } after: {
            try await node.succeed("sleep 0.5; rm /tmp/go")
        }
        #expect(stays.what.hasPrefix("did not stay for 60.0 s"))
    }

    private func files(_ node: Node) async throws {
        async let report = node.waitForFile("/tmp/x y")
        try await node.succeed("sleep 0.3; >'/tmp/x y'")
        #expect(try await report.observation == "it exists")
        let late = await GuestLab.problem { try await node.waitForFile("/tmp/a/b", Self.short) }
        #expect(late.why?.contains("it does not exist; there is /tmp") == true)
    }

    private func ports(_ node: Node) async throws {
        async let opened = node.waitForOpenPort(7001)
        try await node.succeed("sleep 0.3; busybox httpd -f -p 7001 >/dev/null 2>&1 </dev/null & echo $! >/tmp/pid")
        #expect(try await opened.observation == "port 7001 is open")
        #expect(
            await GuestLab.problem { try await node.waitForClosedPort(7001, Self.short) }.why?.contains("no: port 7001 is open") == true)
        #expect(await GuestLab.problem { try await node.waitForOpenPort(7002, Self.short) }.why?.contains("only on: 7001") == true)
        try await node.waitForTCP("127.0.0.1", 7001)
        try await node.succeed("kill $(cat /tmp/pid)")
        try await node.waitForClosedPort(7001)
    }

    private func connections(_ node: Node) async throws {
        let cases = [("127.0.0.1", "Connection refused"), ("10.9.9.9", "no answer within"), ("10.8.8.8", "Network is unreachable")]
        try await node.succeed(
            "ip link add silent type dummy; ip addr add 10.9.9.1/24 dev silent; ip link set silent up arp off; ip route del default || :")
        for (host, words) in cases {
            let late = await GuestLab.problem { try await node.waitForTCP(host, 7001, Budget("test", .seconds(8))) }
            #expect(late.why?.contains("no: \(words)") == true, "\(late)")
        }
        try await node.succeed("ip link del silent")
    }

    private func http(_ node: Node) async throws {
        try await node.succeed("mkdir -p /tmp/www; echo hello there >/tmp/www/x; busybox httpd -p 8080 -h /tmp/www")
        let report = try await node.waitForHTTP("http://127.0.0.1:8080/x", body: "hello")
        #expect(report.observation == "status 200")
        try await node.waitForHTTP("http://127.0.0.1:8080/y", status: 404)
        let late = await GuestLab.problem { try await node.waitForHTTP("http://127.0.0.1:8080/y", Self.short) }
        #expect(late.why?.contains("no: status 404, wanted 200") == true)
        // A second is short for the first answer on a busy host.
        let refused = await GuestLab.problem { try await node.waitForHTTP("http://127.0.0.1:1/", Budget("test", .seconds(4))) }
        #expect(refused.why?.contains("no: Connection refused") == true, "\(refused)")
        #expect(await GuestLab.problem { try await node.waitForHTTP("gopher://x/") }.kind == .invalidInput)
    }

    private func console(_ node: Node) async throws {
        #expect(try await node.waitForConsole("^.*Linux version [0-9]").observation?.contains("Linux version") == true)
        async let prompt = node.waitForConsole("your name[?] $")
        try await node.succeed("printf 'your name? ' >/dev/ttyS0")
        #expect(try await prompt.observation == "in a line that has no end yet")
        async let later = node.waitForConsole("number (4|5)2$")
        try await node.succeed("echo number 42 >/dev/ttyS0")
        // It may be seen before its end has come.
        let seen = try await later.observation
        #expect(seen?.contains("number 42") == true || seen == "in a line that has no end yet", "\(seen ?? "nothing")")
        let late = await GuestLab.problem { try await node.waitForConsole("never said", Self.short) }
        #expect(late.why?.contains("tries, last answer: no: the last line was '") == true)
        #expect(await GuestLab.problem { try await node.waitForConsole("(") }.kind == .invalidInput)
    }

    private func unaskable(_ node: Node) async throws {
        let cases: [(NodeCondition, String)] = [
            (.unit("x.service"), "the guest has no systemctl"), (.journal("x"), "the guest has no journalctl"),
            (.http("https://127.0.0.1/"), "https needs curl in the guest"),
        ]
        for (condition, words) in cases {
            let problem = await GuestLab.problem { try await node.wait(for: condition, Budget("long", .seconds(3600))) }
            #expect(problem.what.hasPrefix("could not ask: node: ") && problem.why?.contains("could not ask: \(words)") == true)
        }
        for condition in [NodeCondition.succeeds("no-such-thing"), .fails("no-such-thing")] {
            let problem = await GuestLab.problem { try await node.wait(for: condition, Self.short) }
            #expect(problem.what.hasPrefix("budget 'test' is used up, and it could not be asked"))
        }
    }

    private func cancellation(_ node: Node) async throws {
        let conditions: [NodeCondition] = [.succeeds("sleep 7774; false"), .console("never"), .file("/never"), .tcp("127.0.0.1", 9)]
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for condition in conditions { group.addTask { try await node.wait(for: condition, Budget("long", .seconds(3600))) } }
                try await node.waitUntilSucceeds("ps | grep 'sleep 777[4]'")
                group.cancelAll()
                var error: (any Error)?
                while let result = await group.nextResult() { if case .failure(let failure) = result { error = error ?? failure } }
                if let error { throw error }
            }
        }
        // A worker whose command was cancelled is free again only when it can be used: all of them at once, straight after it.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<PortNames.workerCount { group.addTask { try await node.succeed("true") } }
            try await group.waitForAll()
        }
        try await node.waitUntilFails("ps | grep 'sleep 777[4]'")
    }

    private func preWarm(_ node: Node) async throws {
        let warm = try await node.preWarmTCP(to: "127.0.0.1", port: 8080, isRequired: true)
        #expect(warm.isWarm && warm.connections.count >= 2 && !warm.mattered)
        let cold = try await node.preWarmTCP(to: "127.0.0.1", port: 2)
        #expect(!cold.isWarm && cold.lastError == "Connection refused" && cold.firstSeconds == nil)
        let problem = await GuestLab.problem { try await node.preWarmTCP(to: "127.0.0.1", port: 2, isRequired: true, file: "F", line: 5) }
        #expect(problem.location == "F:5" && problem.why?.contains("Connection refused") == true)
    }
}

extension GuestLab {
    /// The problem of a call that fails because of something that is done meanwhile.
    static func problem(_ body: @escaping @Sendable () async throws -> some Sendable, after action: () async throws -> some Any) async
        -> Problem
    {
        async let problem = problem(nil, body)
        do { _ = try await action() } catch { Issue.record("\(error)") }
        return await problem
    }
}
