import FoundationEssentials
import GuestShell
import VMLab

/// The commands with which a person goes on with a lab, whole and exact, so that they can be copied into another terminal.
struct Suggestion: Sendable {
    let run: RunDirectory
    /// The names of the nodes, in the plan's order.
    var nodes: [String] = []

    /// A command of this program, as it was called itself.
    func command(_ words: String...) -> String {
        var words = [CommandLine.arguments.first ?? "vmlab"] + words
        // The other terminal need not know of the folder that only this command was told of.
        let state = run.path.prefix(max(0, run.path.count - "/runs/\(run.identifier)".count))
        if state != RunDirectory.defaultState() { words += ["--state-dir", String(state)] }
        return words.map(Self.word).joined(separator: " ")
    }

    /// Opens a shell in the first node; the others stand behind it as a comment.
    var attach: String {
        guard let first = nodes.first else { return command("shell", run.identifier, "NODE") }
        let others = nodes.dropFirst().prefix(4).joined(separator: ", ") + (nodes.count > 5 ? ", …" : "")
        return command("shell", run.identifier, first) + (others.isEmpty ? "" : "   # or \(others)")
    }

    /// Ends the lab.
    var drop: String { command("down", run.identifier) }

    /// What can be done with a paused run, each command on a line of its own.
    var paused: String {
        let id = run.identifier
        return """
            attach: \(attach)
            go on:  \(command("phase", "continue", id))
            step:   \(command("phase", "next", id))
            drop:   \(drop)
            """
    }

    /// Leaves a word as it is where a shell does so too.
    private static func word(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "/._-+,:@%".utf8.contains(byte)
                }
            }
        return isPlain ? text : ShellQuoting.quote(text)
    }
}

extension ControlClient {
    /// What a person can do with the lab now.
    func suggestion(_ run: RunDirectory) async throws -> Suggestion {
        let status = try await call(ControlRequest(.status))
        return Suggestion(run: run, nodes: status.nodes?.map(\.name) ?? [])
    }
}
