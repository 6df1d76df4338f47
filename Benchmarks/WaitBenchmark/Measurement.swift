import GuestShell
import LabEvents
import Phases
import VMLab

/// The measurements, in the order in which they are printed.
struct Measurement: Sendable {
    let node: Node
    /// The one that is kept busy.
    let other: Node
    let rounds: Int

    func run() async throws -> [Target] {
        try await withThrowingTaskGroup(of: [Target]?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await other.execute("while :; do :; done")
                return nil
            }
            group.addTask { try await reactions() + cost() + slowest() }
            while let targets = try await group.next() { if let targets { return targets } }
            return []
        }
    }

    /// From the moment at which a condition becomes true, which the guest itself makes at a random time, until the caller knows.
    private func reactions() async throws -> [Target] {
        var (ours, usual) = (Series(), Series())
        for round in 0..<rounds {
            ours.append(try await reaction(round) { try await node.waitUntilSucceeds("[ -e /tmp/mark ]") })
            usual.append(
                try await reaction(round) {
                    while try await !node.execute("[ -e /tmp/mark ]").succeeded { try await Task.sleep(for: .seconds(1)) }
                })
        }
        let limit = 0.1 * node.pace
        return [
            Target(
                text:
                    "reaction: median \(ms(ours.median)), 90 % \(ms(ours.quantile(0.9))); at most \(ms(limit)) (pace \(node.pace.rounded(to: 2)))",
                isMet: ours.median <= limit),
            Target(
                text:
                    "against a 1 s poll: median \(ms(usual.median)), \((usual.median / ours.median).rounded(to: 1)) times as long; at least 4",
                isMet: usual.median >= 4 * ours.median),
        ]
    }

    private func reaction(_ round: Int, _ wait: @escaping @Sendable () async throws -> Void) async throws -> Duration {
        try await node.run("rm -f /tmp/mark")
        // Spread over the second of the usual poll.
        let delay = Duration.milliseconds(1000 + (round * 618) % 1000)
        return try await withThrowingTaskGroup(of: (isWait: Bool, at: ContinuousClock.Instant).self) { group in
            group.addTask {
                try await wait()
                return (true, .now)
            }
            group.addTask {
                try await Task.sleep(for: delay)
                try await node.run(">/tmp/mark")
                return (false, .now)
            }
            var (made, known) = (ContinuousClock.now, ContinuousClock.now)
            while let event = try await group.next() { if event.isWait { known = event.at } else { made = event.at } }
            // The answer to the command that makes it true may come after the wait's own.
            return max(.zero, made.duration(to: known))
        }
    }

    /// Ticks of the guest's processor, user and system and interrupts, over ten seconds with a wait and without one.
    private func cost() async throws -> [Target] {
        let script = """
            vb() { read -r _ a b c d e f g _ </proc/stat; echo $((a + b + c + f + g)) $((d + e)); }
            vb; sleep 10; vb
            """
        func share() async throws -> Double {
            let numbers = try await node.run(script).stdout.text.split { $0 == " " || $0 == "\n" }.compactMap { Double($0) }
            let (busy, idle) = (numbers[2] - numbers[0], numbers[3] - numbers[1])
            return busy / max(1, busy + idle)
        }
        let idle = try await share()
        var targets: [Target] = []
        for (name, kind) in [
            ("a builtin check", NodeCondition.succeeds("[ -e /never ]")),
            ("a subshell", .succeeds("read -r x </proc/uptime; [ $x = never ]")), ("a file", .file("/never")),
            ("a program", .succeeds("/bin/false")),
        ] {
            let busy = try await withThrowingTaskGroup(of: Double?.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    try await node.wait(for: kind, Budget("long", .seconds(3600)))
                    return nil
                }
                group.addTask { try await share() }
                return try await group.next() ?? nil
            }
            let cost = (busy ?? 1) - idle
            targets.append(
                Target(
                    text:
                        "processor time of a wait for \(name): \((cost * 100).rounded(to: 1)) % of a core (idle \((idle * 100).rounded(to: 1)) %); under 10",
                    isMet: cost < 0.1))
        }
        return targets
    }

    /// Conditions that become true one after the other: a wait for all takes as long as the last.
    private func slowest() async throws -> [Target] {
        let count = 7
        try await node.run("rm -f /tmp/many.*")
        async let made = node.run("for i in 1 2 3 4 5 6 7; do sleep 0.5; >/tmp/many.$i; done")
        let begin = ContinuousClock.now
        let reports = try await eventually((1...count).map { node.condition(.file("/tmp/many.\($0)")) } + [other.condition(.file("/"))])
        let all = begin.duration(to: .now).seconds
        let last = try await made.duration.seconds
        let longest = reports.map(\.seconds).max() ?? 0
        let limit = last + 0.3 * node.pace
        return [
            Target(
                text:
                    "8 conditions: \(all.rounded(to: 2)) s, the slowest \(longest.rounded(to: 2)) s, made true within \(last.rounded(to: 2)) s; at most \(limit.rounded(to: 2)) s",
                isMet: all <= limit)
        ]
    }

    private func ms(_ seconds: Double) -> String { "\((seconds * 1000).rounded(to: 1)) ms" }
}
