import Foundation
import Glibc

/// A tmux server of one test's own: terminals whose screens can be read.
struct Tmux: Sendable {
    private let world: World
    private let name: String
    private let counter = Counter()

    /// One terminal, with a shell in it.
    struct Window: Sendable {
        let tmux: Tmux
        let target: String
    }

    /// Starts a server for the time of `body`; everything in it ends with it.
    static func with(_ world: World, _ body: (Tmux) async throws -> Void) async throws {
        let tmux = Tmux(world: world, name: "vmlab-\(getpid())-\(UInt32.random(in: 0 ... .max))")
        let result: Result<Void, any Error>
        do {
            try await body(tmux)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        _ = try? await tmux.call("kill-server")
        try result.get()
    }

    private init(world: World, name: String) { (self.world, self.name) = (world, name) }

    /// Opens a terminal. Its shell finds vmlab as users' shells do, on PATH, and prompts with `$ `.
    func window(columns: Int = 120, rows: Int = 40) async throws -> Window {
        let number = counter.next()
        let shell = "env -u CI -u VMLAB_WARNINGS_AS_ERRORS PS1='$ ' bash --norc --noprofile -i"
        // Sessions rather than windows of one: each has a size of its own.
        _ = try await call(
            "-f", "/dev/null", "new-session", "-d", "-s", "w\(number)", "-x", "\(columns)", "-y", "\(rows)", "-c", world.folder, shell, ";",
            "set-option", "-g", "status", "off", ";", "set-option", "-g", "history-limit", "5000", ";", "resize-window", "-x", "\(columns)",
            "-y", "\(rows)")
        return Window(tmux: self, target: "w\(number)")
    }

    /// Calls tmux and gives what it prints.
    func call(_ words: String...) async throws -> String { try await call(words) }

    fileprivate func call(_ words: [String]) async throws -> String {
        var environment = world.environment
        let folder = URL(filePath: World.vmlab).deletingLastPathComponent().path
        environment["PATH"] = folder + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
        environment["TMUX_TMPDIR"] = world.folder
        environment["TMUX"] = nil
        let program = try Program(
            ["/usr/bin/env", "tmux", "-L", name] + words, environment: environment, log: "\(world.folder)/tmux-\(counter.next())")
        guard try await program.wait() == .exited(0) else {
            throw Program.Failure(description: "tmux \(words.joined(separator: " ")): \(program.stderr)")
        }
        return program.stdout
    }
}

extension Tmux.Window {
    /// What the terminal shows, with what has scrolled away; a line that was too long for it is one line.
    func text() async throws -> String { try await tmux.call("capture-pane", "-p", "-J", "-S", "-", "-t", target) }

    /// What the terminal shows.
    func screen() async throws -> String { try await tmux.call("capture-pane", "-p", "-t", target) }

    /// Types a line, and waits until it is to be seen.
    func type(_ line: String) async throws {
        // Short enough for any terminal here; the rest may be on the next line.
        let begin = String(line.prefix(60))
        let before = try await text().components(separatedBy: begin).count
        _ = try await tmux.call("send-keys", "-t", target, "-l", line)
        try await wait(for: "the typed '\(begin)'") { $0.components(separatedBy: begin).count > before ? () : nil }
        _ = try await tmux.call("send-keys", "-t", target, "Enter")
    }

    /// Presses a key, by tmux's name for it.
    func press(_ key: String) async throws { _ = try await tmux.call("send-keys", "-t", target, key) }

    func resize(columns: Int, rows: Int) async throws {
        _ = try await tmux.call("resize-window", "-t", target, "-x", "\(columns)", "-y", "\(rows)")
    }

    /// Waits until the terminal shows something.
    @discardableResult
    func wait<Found>(for what: String, _ limit: Duration = .hang, _ look: (String) throws -> Found?) async throws -> Found {
        let deadline = ContinuousClock.now + limit
        while true {
            let text = try await text()
            if let found = try look(text) { return found }
            guard ContinuousClock.now < deadline else {
                throw Program.Failure(description: "after \(limit) still not: \(what); the terminal shows:\n\(text)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits until the terminal shows a text.
    func wait(for text: String, _ limit: Duration = .hang) async throws {
        try await wait(for: "'\(text)'", limit) { $0.contains(text) ? () : nil }
    }

    /// Waits until a shell prompts with a sign.
    func prompt(_ sign: String, _ limit: Duration = .hang) async throws {
        try await wait(for: "the prompt '\(sign)'", limit) { text in
            text.split(separator: "\n").last { !$0.allSatisfy(\.isWhitespace) }?.trimmingCharacters(in: .whitespaces).hasSuffix(sign)
                == true
                ? () : nil
        }
    }

    /// Waits until the window's own shell prompts again, and asks it for the exit status of the command before.
    func status(_ limit: Duration = .hang) async throws -> Int {
        try await prompt("$", limit)
        let mark = "status\(UInt16.random(in: 0 ... .max))"
        try await type("echo \(mark) $?.")
        return try await wait(for: "the command's exit status", limit) { text in
            text.split(separator: "\n").compactMap { line in
                line.hasPrefix(mark + " ") ? Int(line.dropFirst(mark.count + 1).prefix { $0 != "." }) : nil
            }.last
        }
    }
}
