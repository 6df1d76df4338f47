import Crypto
import FoundationEssentials
import GuestShell
import LabEvents

/// Measures both ways in one booted guest, turn by turn, so that drift of the host hits both alike.
struct Measurement {
    let shell: GuestShell
    let console: BackdoorConsole
    let rounds: Int
    let bulkRounds: Int
    var report: Report

    private static let file = "/run/vmlab-benchmark"
    private static let usualTrue = #"timeout 10 bash -c "set -euo pipefail; true" | base64 -w 0"#
    private static let usualBulk = #"timeout 60 bash -c "cat \#(file)" | base64 -w 0"#

    /// Runs everything and fills the report.
    mutating func run() async throws {
        try await settle()
        for round in -2..<rounds {
            // Each way follows the other as often as it goes first: what a command leaves to do in the guest is borne by both.
            if round.isMultiple(of: 2) {
                try await measureUsualTrue(counts: round >= 0)
                try await measureOurTrue(counts: round >= 0)
            } else {
                try await measureOurTrue(counts: round >= 0)
                try await measureUsualTrue(counts: round >= 0)
            }
            let program = try await execute("/bin/true")
            if round >= 0 { report.ourProgram.append(program) }
        }
        for _ in 0..<rounds { report.ourRepeatedTrue.append(try await execute("true")) }
        try await measureBulk()
        try await measureThroughput()
        report.judge()
    }

    /// A login works long before a boot has come to its end; what the boot still does would be measured too.
    private func settle() async throws {
        _ = try await shell.execute("systemctl is-system-running --wait || :", timeout: .seconds(180))
    }

    private mutating func measureUsualTrue(counts: Bool) async throws {
        let answer = try await console.run(Self.usualTrue)
        guard answer.isComplete, answer.bytes.isEmpty else {
            throw Problem(.failure, "hvc0 gave a wrong answer", why: String(decoding: answer.bytes.prefix(200), as: UTF8.self))
        }
        if counts { report.usualTrue.append(answer.duration) }
    }

    private mutating func measureOurTrue(counts: Bool) async throws {
        let duration = try await execute("true")
        if counts { report.ourTrue.append(duration) }
    }

    /// One command that must succeed without output, timed by the caller's clock.
    private func execute(_ command: String) async throws -> Duration {
        let start = ContinuousClock.now
        let result = try await shell.execute(command, timeout: .seconds(10))
        let duration = start.duration(to: .now)
        guard result.succeeded, result.stdout.bytes.isEmpty, result.stderr.bytes.isEmpty else { throw Self.wrong(result) }
        return duration
    }

    private mutating func measureBulk() async throws {
        let made = try await shell.execute(
            "head -c \(report.bulkBytes) /dev/urandom >\(Self.file) && sha256sum \(Self.file)", timeout: .seconds(120)
        )
        guard made.succeeded, let sum = made.stdout.text.split(separator: " ").first.map(String.init) else { throw Self.wrong(made) }
        let megabytes = Double(report.bulkBytes) / 1_000_000
        for _ in 0..<bulkRounds {
            let answer = try await console.run(Self.usualBulk)
            // What was lost is counted as if it had come.
            report.usualBulk.append(megabytes / (answer.duration / .seconds(1)))
            let decoded = Data(base64Encoded: Data(answer.bytes))
            if !answer.isComplete || decoded.map({ Self.sum($0) }) != sum { report.damagedBulk.usual += 1 }

            let start = ContinuousClock.now
            let result = try await shell.execute("cat \(Self.file)", timeout: .seconds(60))
            report.ourBulk.append(megabytes / (start.duration(to: .now) / .seconds(1)))
            guard result.succeeded else { throw Self.wrong(result) }
            if Self.sum(result.stdout.bytes) != sum { report.damagedBulk.ours += 1 }
        }
        _ = try await shell.execute("rm \(Self.file)")
    }

    private mutating func measureThroughput() async throws {
        // The first ones start the eight shells.
        try await runConcurrently(count: 32)
        let start = ContinuousClock.now
        try await runConcurrently(count: 200)
        report.throughput = 200 / (start.duration(to: .now) / .seconds(1))
    }

    private func runConcurrently(count: Int) async throws {
        let callers = 32
        try await withThrowingTaskGroup(of: Void.self) { [shell] group in
            for caller in 0..<callers {
                group.addTask {
                    for number in stride(from: caller, to: count, by: callers) {
                        let result = try await shell.execute("echo out \(number); echo err \(number) >&2", timeout: .seconds(60))
                        guard result.succeeded, result.stdout.text == "out \(number)\n", result.stderr.text == "err \(number)\n" else {
                            throw Self.wrong(result)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func wrong(_ result: CommandResult) -> Problem {
        Problem(
            .failure, "a command gave a wrong result: \(result.command)",
            why: "\(result.outcome); \(result.stdout.bytes.count) bytes of output, \(result.stderr.bytes.count) of errors"
        )
    }

    private static func sum(_ bytes: some DataProtocol) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
