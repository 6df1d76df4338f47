import ArgumentParser
import FoundationEssentials
import Glibc
import LabEvents
import VMLab

/// `vmlab journal`: what systemd's journal of a node says.
struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Show the journal of this boot of a node that runs systemd.",
        discussion: "With -f it goes on until Ctrl-C, which ends the command in the guest too. For other guests see `vmlab console`.")

    @Argument(help: "The run: `latest`, or the beginning of its id.")
    var run: String

    @Argument(help: "The node.")
    var node: String

    @Flag(name: .shortAndLong, help: "Go on with what comes.")
    var follow = false

    @Option(name: .shortAndLong, help: "Messages of this unit alone.")
    var unit: String?

    @Option(name: [.customShort("n"), .long], help: "How many of the latest messages; without it all, or 10 with -f.")
    var lines: Int?

    @Flag(help: "Print journalctl's JSON, one object a line.")
    var json = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("--lines \(lines): choose 0 or more") }
    }

    /// Says in the guest that there is no journal; no other command here ends so.
    private static let noJournal = 97

    private var command: String {
        var words = ["journalctl", "--boot", "--no-pager", "--output=\(json ? "json" : "short-iso-precise")"]
        if follow { words.append("--follow") }
        if let lines { words.append("--lines=\(lines)") }
        if let unit { words.append("--unit=\(unit)") }
        return "command -v journalctl >/dev/null 2>&1 || exit \(Self.noJournal); exec " + GuestWords.script(words)
    }

    func run() async throws {
        var request = ControlRequest(.execute)
        (request.node, request.command) = (node, command)
        let chosen = request
        let run = try state.find(run)
        let reply = try await ControlClient.with(run) { client in
            try await client.call(chosen) { reply in
                guard reply.type == .output, let data = reply.data.flatMap({ Data(base64Encoded: $0) }) else { return }
                Terminal.write(reply.stream == "stderr" ? STDERR_FILENO : STDOUT_FILENO, Array(data))
            }
        }
        guard reply.exit != Self.noJournal else {
            throw Problem(
                .failure, "\(node) has no journal", why: "there is no journalctl in it: it does not run systemd",
                remedy: "`vmlab console \(run.identifier) \(node)` shows what it says")
        }
        guard reply.exit == 0 else {
            throw Problem(
                .failure, "\(node): journalctl failed", why: reply.exit.map { "it ended with status \($0)" } ?? "a signal ended it",
                remedy: "its own words are above")
        }
    }
}
