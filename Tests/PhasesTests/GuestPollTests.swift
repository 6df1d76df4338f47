import Foundation
import GuestShell
import LabEvents
import Synchronization
import Testing
import VMLab

@testable import Phases

/// The loop that guests run, in the host's shells.
@Suite("A check that the guest repeats", .tier(.contract), .timeLimit(.minutes(5)))
struct GuestPollTests {
    static let shells = [HostShell(), .posix]

    /// What a poll reported until it ended.
    private func run(
        _ poll: GuestPoll, in shell: HostShell, goal: Condition.Goal = .init(kind: .yes), pace: Double = 1,
        until: @escaping @Sendable (Answer) -> Bool = { _ in false }
    ) async throws -> (answers: [Answer], tries: Int, ended: Bool) {
        let seen = Mutex<([Answer], Int)>(([], 0))
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let watch = Condition.Watch(goal: goal, pace: { pace }) { answer, tries in
            seen.withLock { $0 = ($0.0 + [answer], $0.1 + tries) }
            if until(answer) { stop.yield() }
        }
        let ended = try await withThrowingTaskGroup(of: Bool.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await poll.watch(watch) { try await shell.execute($0) }
                return true
            }
            group.addTask {
                for await _ in stops { return false }
                throw CancellationError()
            }
            return try await group.next() ?? false
        }
        let (answers, tries) = seen.withLock { $0 }
        return (answers, tries, ended)
    }

    private func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.path + "/vmlab-waits-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(folder)
    }

    @Test("It ends at the first success, counts its tries, and hands on what the command said", arguments: shells.indices)
    func command(_ index: Int) async throws {
        try await withFolder { folder in
            let poll = try GuestPoll.command("echo x >>\(folder)/n; n=$(wc -l <\(folder)/n); echo \"try $n\"; exit $((n < 4 ? 7 : 0))")
            let result = try await run(poll, in: Self.shells[index])
            #expect(result.ended && result.tries == 4)
            #expect(result.answers.first == .no("exit 7\ntry 1"))
            #expect(result.answers.last?.kind == .yes && result.answers.last?.observation?.hasPrefix("exit 0\n") == true)
        }
    }

    @Test("A command can do what it likes to its shell", arguments: shells.indices)
    func hygiene(_ index: Int) async throws {
        let shell = Self.shells[index]
        #expect(try await run(.command("exit 0"), in: shell).tries == 1)
        #expect(try await run(.command("_va=n _vg=n; set -e; false || :; cd /"), in: shell).tries == 1)
        #expect(try await run(.command("exec >&- 2>&-"), in: shell).tries == 1)
        let unknown = try await run(.command("no-such-program-at-all"), in: shell) { $0.kind == .couldNotAsk }
        #expect(unknown.answers.first?.observation?.contains("exit 127") == true)
        let wrong = try await run(.command("echo 'unbalanced"), in: shell) { $0.kind != .yes }
        #expect(!wrong.ended)
        let forged = try await run(.command("set; echo 'poll-0 1 yE'; exit 1"), in: shell) { $0.kind == .no }
        #expect(!forged.ended && forged.answers.allSatisfy { $0.kind == .no })
        #expect(throws: GuestShellError.self) { try GuestPoll.command("echo \0") }
    }

    @Test("Only a test of plain words is run without a process of its own")
    func plain() async throws {
        for command in ["[ -e /tmp/x ]", "test -d /a-b", "[ a = b ]"] { #expect(GuestPoll.isPlainTest(command), "\(command)") }
        for command in ["[ -e $x ]", "[ a ]; exit ]", "test `x`", "test a\nexit", "[ a ] || exit", "[[ a ]]", "test a >b", "true"] {
            #expect(!GuestPoll.isPlainTest(command), "\(command)")
        }
        #expect(try await run(.command("[ -e / ]"), in: HostShell()).answers == [.yes("exit 0")])
        let wrong = try await run(.command("[ 1 -eq x ]"), in: HostShell()) { $0.kind == .no }
        #expect(wrong.answers.first?.observation?.contains("exit 2\n") == true)
    }

    @Test("What a command writes is bounded: its last lines stay")
    func bounded() async throws {
        let result = try await run(
            .command(
                "head -c 3000000 /dev/zero | tr '\\0' x; echo; i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i + 1)); done; exit 1"),
            in: HostShell()
        ) { $0.kind == .no }
        let words = try #require(result.answers.first?.observation)
        #expect(words.hasSuffix("line 1998\nline 1999") && words.utf8.count < 2500)
    }

    @Test("A try that hangs is ended and is no answer, and the next one is asked")
    func hangs() async throws {
        try await withFolder { folder in
            var poll = try GuestPoll.command("[ -e \(folder)/second ] && exit 0; >\(folder)/second; sleep 7772")
            poll.limit = Budget("check", .milliseconds(300))
            let result = try await run(poll, in: HostShell())
            #expect(result.ended && result.answers.map(\.kind) == [.couldNotAsk, .yes])
            #expect(result.answers.first?.observation?.contains("hung") == true)
        }
    }

    @Test("A loop that was killed is begun again")
    func killed() async throws {
        try await withFolder { folder in
            let result = try await run(
                try .command("[ -e \(folder)/second ] && exit 0; >\(folder)/second; kill -9 $$"), in: HostShell())
            #expect(result.ended && result.answers.first?.kind == .couldNotAsk && result.answers.last?.kind == .yes)
        }
    }

    @Test("With a settle time it must hold without a break")
    func settles() async throws {
        try await withFolder { folder in
            // Succeeds, fails once, and succeeds from then on.
            let poll = try GuestPoll.command("echo x >>\(folder)/n; n=$(wc -l <\(folder)/n); [ $n -ne 2 ]")
            let begin = ContinuousClock.now
            let result = try await run(poll, in: HostShell(), goal: .init(kind: .yes, settle: .milliseconds(300)))
            #expect(result.ended && result.tries > 3)
            #expect(begin.duration(to: .now) >= .milliseconds(290))
        }
    }

    @Test("A watch for no ends when it breaks")
    func breaks() async throws {
        try await withFolder { folder in
            let poll = try GuestPoll.command("echo x >>\(folder)/n; [ $(wc -l <\(folder)/n) -lt 5 ]")
            let result = try await run(poll, in: HostShell(), goal: .init(kind: .no))
            #expect(result.ended && result.tries == 5 && result.answers.last?.kind == .no)
        }
    }

    @Test("Files: how far the path goes", arguments: shells.indices)
    func files(_ index: Int) async throws {
        try await withFolder { folder in
            let shell = Self.shells[index]
            #expect(try await run(.file(folder), in: shell).answers == [.yes("it exists")])
            let missing = try await run(.file("\(folder)/a b/'c"), in: shell) { $0.kind == .no }
            #expect(missing.answers == [.no("it does not exist; there is \(folder)")])
        }
    }

    @Test("Ports and connections: open, refused, silent", arguments: shells.indices)
    func ports(_ index: Int) async throws {
        let shell = Self.shells[index]
        let listener = try Listener()
        let open = try await run(.listening(listener.port), in: shell)
        #expect(open.answers == [.yes("port \(listener.port) is open")])
        let closed = try await run(.listening(1), in: shell) { $0.kind == .no }
        #expect(closed.answers.first?.observation?.contains("\(listener.port)") == true)
        guard index == 0 else { return }
        let connected = try await run(.connection("127.0.0.1", listener.port, limit: .seconds(2)), in: shell)
        #expect(connected.answers == [.yes("connected")])
        let refused = try await run(.connection("127.0.0.1", 1, limit: .seconds(2)), in: shell) { $0.kind == .no }
        #expect(refused.answers.first == .no("Connection refused"))
        #expect(throws: Problem.self) { try GuestPoll.connection("a b", 80, limit: .seconds(1)) }
        #expect(throws: Problem.self) { try GuestPoll.listening(70000) }
    }

    struct Exchange: Sendable {
        var status: Int? = 200
        var body: String?
        var answer: String
        var expected: Answer
    }

    @Test(
        "HTTP: status and body",
        arguments: [
            Exchange(answer: "HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello", expected: .yes("status 200")),
            Exchange(body: "ell", answer: "HTTP/1.0 200 OK\r\n\r\nhello\nthere", expected: .yes("status 200")),
            Exchange(
                body: "bye", answer: "HTTP/1.1 200 OK\r\n\r\nhello", expected: .no("status 200, and the body lacks 'bye'; it begins: hello")
            ),
            Exchange(answer: "HTTP/1.1 503 Busy\r\n\r\nlater\n", expected: .no("status 503, wanted 200; it begins: later")),
            Exchange(status: 503, answer: "HTTP/1.1 503 Busy\r\n\r\n", expected: .yes("status 503")),
            Exchange(status: nil, answer: "HTTP/1.1 404 No\r\n\r\n", expected: .yes("status 404")),
            Exchange(answer: "SSH-2.0-x\r\n", expected: .no("connected, and the answer is not HTTP")),
        ])
    func http(_ exchange: Exchange) async throws {
        let listener = try Listener(answer: exchange.answer)
        let poll = try HTTPCheck("http://127.0.0.1:\(listener.port)/x?y", status: exchange.status, body: exchange.body).poll(
            limit: .seconds(2))
        let result = try await run(poll, in: HostShell()) { _ in true }
        #expect(result.answers.first == exchange.expected)
        #expect(listener.request.hasPrefix("GET /x?y HTTP/1.0\r\nHost: 127.0.0.1:\(listener.port)\r\n"))
    }

    @Test("URLs that are none", arguments: ["ftp://x/", "http://", "http://a b/", "http://x:70000/", "http://x:y/", "x"])
    func urls(_ url: String) { #expect(throws: Problem.self) { try HTTPCheck(url, status: 200, body: nil) } }
}
