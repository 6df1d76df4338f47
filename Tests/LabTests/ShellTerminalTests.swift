import Foundation
import LabEvents
import Testing

/// `vmlab shell` in a terminal that tmux keeps.
@Suite("vmlab shell in a terminal", .tier(.cluster), .serialized, .timeLimit(.minutes(20)))
struct ShellTerminalTests {
    @Test("Size, later sizes, Ctrl-C, exit status, Ctrl-]; the terminal is as it was")
    func shell() async throws {
        try await World.with { world in
            let viewer = try world.vmlab("run", "two-nodes", "--until", "boot", "--keep")
            let run = try await world.run(of: viewer)
            #expect(try await viewer.wait() == .exited(0), "\(viewer.stderr)")
            try await Tmux.with(world) { tmux in
                let window = try await tmux.window(columns: 111, rows: 37)
                try await window.type("stty -g | md5sum")
                let modes = try await window.wait(for: "the terminal's modes") { Self.modes($0).first }

                try await window.type("echo \"type $TERM.\"; vmlab shell \(run.identifier) a")
                try await window.prompt("#")
                try await window.type("echo \"type $TERM.\"; stty size")
                try await window.wait(for: "\n37 111\n")
                let types = try await window.text().split(separator: "\n").filter { $0.hasPrefix("type ") }
                #expect(types.count == 2 && Set(types).count == 1, "\(types)")
                try await sizes(window)
                try await interrupts(window) {
                    let runs = try await world.end(of: "wait-until-succeeds", run.identifier, "a", "--", "ps | grep 'sleep 777[7]'")
                    #expect(runs.end == .exited(0), "\(runs.stderr)")
                }
                try await window.type("exit 7")
                #expect(try await window.status() == 7)

                // Whatever runs there, Ctrl-] leaves it, and it is hung up.
                try await window.type("vmlab shell \(run.identifier) a")
                try await window.prompt("#")
                try await window.type("echo start; sleep 7776")
                try await window.wait(for: "\nstart\n")
                try await window.press("C-]")
                #expect(try await window.status() == 0)
                let gone = try await world.end(of: "wait-until-fails", run.identifier, "a", "--", "ps | grep 'sleep 777[6]'")
                #expect(gone.end == .exited(0), "\(gone.stderr)")

                try await window.type("vmlab shell \(run.identifier) nobody")
                #expect(try await window.status() == 2)
                // A shell that a signal ends, and one whose guest goes away.
                try await window.type("vmlab shell \(run.identifier) a")
                try await window.prompt("#")
                // No `$` at the end: it would look like a prompt.
                try await window.type("kill -KILL \"$$\"")
                #expect(try await window.status() == 137)
                try await window.type("vmlab shell \(run.identifier) a")
                try await window.prompt("#")
                #expect(try await world.end(of: "power", run.identifier, "a", "powerCut").end == .exited(0))
                try await window.wait(for: "\nerror: ")
                #expect(try await window.status() == 1)

                try await window.type("stty -g | md5sum")
                let after = try await window.wait(for: "the terminal's modes again") { text in
                    let all = Self.modes(text)
                    return all.count > 1 ? all.last : nil
                }
                #expect(after == modes)
            }
            #expect(try await world.end(of: "down", run.identifier).end == .exited(0))
            #expect(run.leftovers() == [])
        }
    }

    /// A window that changes its size while something runs in it.
    private func sizes(_ window: Tmux.Window) async throws {
        // A shell without job control, so that it is in the foreground together with what it runs.
        try await window.type(#"bash -c 'trap "stty size" WINCH; echo set; while :; do sleep 0.2; done'"#)
        try await window.wait(for: "\nset\n")
        for (columns, rows) in [(90, 28), (140, 50)] {
            try await window.resize(columns: columns, rows: rows)
            try await window.wait(for: "\n\(rows) \(columns)\n")
        }
        try await window.press("C-c")
        try await window.prompt("#")
    }

    /// Ctrl-C ends what runs in the guest and nothing else.
    ///
    /// - Parameter begun: waits until `sleep 7777` runs. Before that the terminal is still the shell's, and the key would interrupt nothing.
    private func interrupts(_ window: Tmux.Window, begun: () async throws -> Void) async throws {
        try await window.type("echo begin; sleep 7777")
        try await window.wait(for: "\nbegin\n")
        try await begun()
        try await window.press("C-c")
        try await window.type("echo was $?.")
        try await window.wait(for: "\nwas 130.")
        try await window.type("set -o | grep monitor; sleep 7778 & kill %1; wait; echo over.")
        try await window.wait(for: "\nover.")
        #expect(try await window.text().contains("monitor"), "job control")
    }

    private static func modes(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { $0.hasSuffix("  -") && $0.count == 35 }
    }
}
