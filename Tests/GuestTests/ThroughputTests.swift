import Crypto
import Foundation
import GuestShell
import Synchronization
import Testing
import VMLab

/// Hands out 1, 2, 3 …
private actor Counter {
    private var number = 0

    func take() -> Int {
        number += 1
        return number
    }
}

/// Much output, many callers.
@Suite("Load on one guest", .tier(.guest), .serialized)
struct ThroughputTests {
    @Test(
        "20 MB on stdout and 1 MB on stderr at once arrive exactly while another command runs",
        arguments: [GuestShellOptions.Shell.automatic, .posix])
    func bulk(_ kind: GuestShellOptions.Shell) async throws {
        try await GuestFixture.boot(shell: kind, processors: 2) { machine async throws in
            let shell = machine.shell
            let sums = try await shell.execute(
                """
                dd if=/dev/urandom of=/tmp/out bs=1M count=20 2>/dev/null
                dd if=/dev/urandom of=/tmp/err bs=1M count=1 2>/dev/null
                sha256sum </tmp/out; sha256sum </tmp/err
                """
            ).output.split(separator: "\n").map { String($0.prefix(64)) }
            try #require(sums.count == 2)
            async let other = shell.execute("i=0; while [ $i -lt 200 ]; do echo $i; i=$((i+1)); done | tail -1")
            let result = try await shell.execute("cat /tmp/err >&2 & cat /tmp/out; wait")
            #expect(result.stdout.bytes.count == 20 << 20 && result.stderr.bytes.count == 1 << 20)
            #expect(Self.hash(result.stdout.bytes) == sums[0])
            #expect(Self.hash(result.stderr.bytes) == sums[1])
            #expect(try await other.output == "199")
            // Streamed as it comes, and bounded in the result.
            let streamed = Mutex((hash: SHA256(), pieces: 0))
            var request = CommandRequest("cat /tmp/out")
            request.captureLimit = 1000
            request.onOutput = { piece in
                streamed.withLock { state in
                    state.hash.update(data: piece.bytes)
                    state.pieces += 1
                }
            }
            let bounded = try await shell.execute(request)
            #expect(bounded.stdout.bytes.count == 1000 && bounded.stdout.droppedBytes == (20 << 20) - 1000)
            #expect(
                streamed.withLock { $0.hash.finalize() }.map { String($0, radix: 16) }
                    == SHA256.hash(data: result.stdout.bytes).map { String($0, radix: 16) })
            #expect(streamed.withLock { $0.pieces } > 10)
        }
    }

    @Test("200 commands through 8 shells by 32 callers: all right, none mixed up")
    func callers() async throws {
        try await GuestFixture.boot(processors: 2) { machine async throws in
            let shell = machine.shell
            let next = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<32 {
                    group.addTask { try await Self.call(shell, next) }
                }
                try await group.waitForAll()
            }
        }
    }

    /// One caller: takes the next number until all are taken, and checks that each answer is its own.
    private static func call(_ shell: GuestShell, _ next: Counter) async throws {
        while true {
            let number = await next.take()
            guard number <= 200 else { return }
            let hasInput = number % 5 == 0
            let result = try await shell.execute(
                "echo out \(number); cat >&2; exit \(number % 256)", stdin: hasInput ? .text("in \(number)") : .none
            )
            #expect(result.outcome == .exited(number % 256))
            #expect(result.stdout.text == "out \(number)\n")
            #expect(result.stderr.text == (hasInput ? "in \(number)" : ""))
        }
    }

    @Test("A cancelled command ends in the guest, and its shell serves the next")
    func cancellation() async throws {
        try await GuestFixture.boot { machine async throws in
            let shell = machine.shell
            for _ in 0..<(ProcessInfo.processInfo.environment["VMLAB_CANCELS"].flatMap(Int.init) ?? 12) {
                await #expect(throws: (any Error).self) {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { _ = try await shell.execute("echo begun; sleep 5555") }
                        group.addTask {
                            while try await !shell.execute("pidof sleep").succeeded {}
                            throw CancellationError()
                        }
                        defer { group.cancelAll() }
                        while try await group.next() != nil {}
                    }
                }
                while try await shell.execute("ps | grep -q 'sleep 555[5]'").succeeded {}
            }
            #expect(try await shell.execute("echo fine").output == "fine")
        }
    }

    private static func hash(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
