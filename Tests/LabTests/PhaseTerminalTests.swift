import Foundation
import Glibc
import LabEvents
import Reporting
import Testing

/// Debugging by phase in a person's terminals, which tmux keeps: what they show, and what the commands that are shown there do.
@Suite("Phases in a terminal", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct PhaseTerminalTests {
    /// A run that a window began, as it says in its first line.
    private static func run(_ window: Tmux.Window, in world: World) async throws -> LabRun {
        let identifier = try await window.wait(for: "the run's id") { text in
            text.split(separator: "\n").first { $0.hasPrefix("run 2") }.map { String($0.dropFirst(4)).trimmingCharacters(in: .whitespaces) }
        }
        return LabRun(world: world, identifier: identifier)
    }

    /// The command that a window shows behind a word, the latest of them, as a person would copy it.
    private static func shown(_ word: String, in text: String) -> String? {
        text.split(separator: "\n").last { $0.contains(" \(word): ") }.flatMap { line in
            line.firstRange(of: "\(word): ").map { line[$0.upperBound...].trimmingCharacters(in: .whitespaces) }
        }
    }

    private struct Shown {
        var attach: String
        var goOn: String
        var step: String
        var drop: String
    }

    /// Waits until a window shows for the `count`th time what can be done with a paused run.
    private static func pause(_ window: Tmux.Window, count: Int = 1) async throws -> Shown {
        try await window.wait(for: "pause \(count)") { text in
            guard text.components(separatedBy: " drop: ").count > count, let attach = shown("attach", in: text),
                let goOn = shown("go on", in: text), let step = shown("step", in: text), let drop = shown("drop", in: text)
            else { return nil }
            return Shown(attach: attach, goOn: goOn, step: step, drop: drop)
        }
    }

    @Test("--until and --keep; then --from on the kept lab")
    func kept() async throws {
        try await World.with { world in
            try await Tmux.with(world) { tmux in
                let first = try await tmux.window()
                try await first.type("vmlab run two-nodes --until network --keep")
                let run = try await Self.run(first, in: world)
                try await first.wait(for: " drop: ")
                #expect(try await first.status() == 0)
                let text = try await first.text()
                #expect(text.contains("boot: passed") && text.contains("network: passed"), "\(text)")
                #expect(!text.contains("reachability: passed") && text.contains("passed in "), "\(text)")
                #expect(Self.shown("kept", in: text) == "vmlab shell \(run.identifier) a   # or b", "\(text)")
                try await first.type("vmlab phase list \(run.identifier)")
                try await first.wait(for: "its next phase") { text in
                    text.split(separator: "\n").contains { $0.hasPrefix(">") && $0.contains("reachability") } ? () : nil
                }

                let second = try await tmux.window()
                try await second.type("vmlab run two-nodes --from reachability --on \(run.identifier)")
                try await second.wait(for: "20 MB: passed")
                #expect(try await second.status() == 0)
                let onward = try await second.text()
                #expect(onward.contains("boot: skipped (covered)") && onward.contains("reachability: passed"), "\(onward)")
                #expect(onward.split(separator: "\n").contains("passed"), "\(onward)")

                try await second.type(try #require(Self.shown("drop", in: text)))
                #expect(try await second.status() == 0)
                #expect(run.leftovers() == [])
            }
        }
    }

    @Test("--pause-before: the commands that are shown attach, go a step, go on")
    func pausing() async throws {
        try await World.with { world in
            try await Tmux.with(world) { tmux in
                let first = try await tmux.window()
                try await first.type("vmlab run two-nodes --pause-before reachability")
                let run = try await Self.run(first, in: world)
                let shown = try await Self.pause(first)
                print("a paused screen:\n\(try await first.screen())")
                #expect(try await first.text().contains("reachability: paused: before 'reachability', as asked"))
                #expect(shown.attach == "vmlab shell \(run.identifier) a   # or b")

                let second = try await tmux.window()
                try await second.type(shown.attach)
                try await second.prompt("#")
                try await second.type("echo at $((6 * 7)) >/tmp/seen; cat /tmp/seen")
                try await second.wait(for: "\nat 42\n")
                try await second.type("exit")
                #expect(try await second.status() == 0)
                #expect(try await world.end(of: "execute", run.identifier, "a", "--", "cat /tmp/seen").stdout == "at 42\n")

                try await second.type(shown.step)
                try await second.wait(for: "\npaused at 'TCP'\n")
                #expect(try await second.status() == 0)
                #expect(try await Self.pause(first, count: 2).goOn == shown.goOn)
                try await second.type(shown.goOn)
                try await first.wait(for: "passed in ")
                #expect(try await second.status() == 0)
                #expect(try await first.status() == 0)
                #expect(try await first.text().contains("20 MB: passed"))
                #expect(try await second.text().contains("20 MB: passed"))
                #expect(run.leftovers() == [])
            }
        }
    }

    @Test("--pause-on-failure: repair, go on; the phase is run again and passes, the run has failed")
    func failure() async throws {
        try await World.with { world in
            try await Tmux.with(world) { tmux in
                let first = try await tmux.window()
                try await first.type("vmlab run two-nodes --pause-before TCP --pause-on-failure")
                let run = try await Self.run(first, in: world)
                let shown = try await Self.pause(first)
                let second = try await tmux.window()
                try await second.type(shown.attach)
                try await second.prompt("#")
                try await second.type("ip link set eth1 down; echo done $?.")
                try await second.wait(for: "\ndone 0.")
                try await second.press("C-]")
                #expect(try await second.status() == 0)

                try await second.type(shown.goOn)
                let again = try await Self.pause(first, count: 2)
                let text = try await first.text()
                #expect(text.contains("TCP: failed") && text.contains("TCP: paused"), "\(text)")
                try await second.wait(for: "\npaused at 'TCP'\n")
                let third = try await tmux.window()
                try await third.type(again.attach)
                try await third.prompt("#")
                try await third.type(
                    "ip link set eth1 up; until [ $(cat /sys/class/net/eth1/carrier) = 1 ]; do sleep 0.1; done; echo done $?.")
                try await third.wait(for: "\ndone 0.")
                try await third.type("exit")
                #expect(try await third.status() == 0)
                try await third.type("vmlab phase run \(run.identifier) TCP --onward")
                try await third.wait(for: "\npassed\n")
                #expect(try await third.status() == 0)
                #expect(try await third.text().contains("20 MB: passed"))
                try await third.type(again.goOn)
                try await first.wait(for: "failed in ")
                #expect(try await first.status() == 1)
                // What the run itself came to stays its failure, and nothing after it is a part of the run.
                let all = try await first.text()
                #expect(all.contains("20 MB: skipped"), "\(all)")
                #expect(try run.result().outcome == .failed)
                #expect(run.leftovers() == [])
            }
        }
    }

    @Test("A paused run is taken over from a phase on; its own terminal says that the lab stays")
    func takeover() async throws {
        try await World.with { world in
            try await Tmux.with(world) { tmux in
                let first = try await tmux.window()
                try await first.type("vmlab run two-nodes --pause-before TCP")
                let run = try await Self.run(first, in: world)
                _ = try await Self.pause(first)
                let second = try await tmux.window()
                try await second.type("vmlab takeover \(run.identifier) --from TCP")
                try await second.wait(for: "20 MB: passed")
                #expect(try await second.status() == 0)
                let text = try await second.text()
                #expect(text.contains("\(run.identifier): owned by build "), "\(text)")
                #expect(text.contains("reachability: skipped (covered)") && text.contains("TCP: passed"), "\(text)")
                #expect(try await first.status() == 143)
                let left = try await first.text()
                try await second.type(try #require(Self.shown("kept", in: left)))
                try await second.prompt("#")
                try await second.type("exit 3")
                #expect(try await second.status() == 3)
                try await second.type(try #require(Self.shown("drop", in: left)))
                #expect(try await second.status() == 0)
                #expect(run.leftovers() == [])
            }
        }
    }

    @Test("Ctrl-C in a paused run leaves nothing, and a terminal as it was")
    func interrupted() async throws {
        try await World.with { world in
            try await Tmux.with(world) { tmux in
                let window = try await tmux.window()
                try await window.type("vmlab run two-nodes --pause-before network")
                let run = try await Self.run(window, in: world)
                _ = try await Self.pause(window)
                let begin = ContinuousClock.now
                try await window.press("C-c")
                try await run.settle(since: begin, limit: .seconds(7), case: "Ctrl-C while paused")
                #expect(try await window.status() == 130)
                let text = try await window.text()
                #expect(text.contains("ending the run") && text.contains("ended by SIGINT, everything is cleaned up"), "\(text)")
                #expect(try await tmux.call("display-message", "-p", "-t", window.target, "#{cursor_flag}") == "1\n", "the cursor is shown")
                try run.expectEvidence(.running, outcome: .interrupted)
            }
        }
    }
}
